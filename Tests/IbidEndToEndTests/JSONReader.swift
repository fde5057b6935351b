import Foundation

/// A JSON document as another program would read it: by Foundation, not by Ibid's own parser.
struct JSONReader {
    let value: Any?

    init(_ text: String) throws {
        value = try JSONSerialization.jsonObject(with: Data(text.utf8), options: [.fragmentsAllowed])
    }

    private init(value: Any?) { self.value = value }

    subscript(key: String) -> JSONReader { JSONReader(value: (value as? [String: Any])?[key]) }
    subscript(index: Int) -> JSONReader { JSONReader(value: array.indices.contains(index) ? array[index].value : nil) }

    var array: [JSONReader] { (value as? [Any])?.map { JSONReader(value: $0) } ?? [] }
    var keys: Set<String> { Set((value as? [String: Any])?.keys.map { $0 } ?? []) }
    var string: String? { value as? String }
    var int: Int? { (value as? NSNumber)?.intValue }
    var double: Double? { (value as? NSNumber)?.doubleValue }
    var bool: Bool? { (value as? NSNumber)?.boolValue }
    var isNull: Bool { value is NSNull }
}
