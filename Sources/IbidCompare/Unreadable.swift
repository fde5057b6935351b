/// Why a file could not be read as what it seems to be, in words that go on after "could not be read: ".
struct Unreadable: Error, Hashable {
    var reason: String
}
