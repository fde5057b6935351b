import FoundationEssentials

/// The JSON form of an instruction's arguments: `["a", "b"]`.
enum JSONForm {
    /// The words of an array of strings.
    case words([String])
    /// A JSON array that holds something else, which BuildKit refuses.
    case otherValues

    /// Reads it; nil for what is no JSON array and therefore a shell's text.
    init?(_ text: String) {
        guard text.hasPrefix("[") else { return nil }
        let bytes = Data(text.utf8)
        if let words = try? JSONDecoder().decode([String].self, from: bytes) {
            self = .words(words)
        } else if (try? JSONDecoder().decode([Anything].self, from: bytes)) != nil {
            self = .otherValues
        } else {
            return nil
        }
    }

    /// Any JSON value at all.
    private struct Anything: Decodable {
        init(from decoder: any Decoder) throws {}
    }
}
