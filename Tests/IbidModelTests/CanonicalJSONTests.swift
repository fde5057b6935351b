import IbidModel
import Testing

@Suite("canonical JSON")
struct CanonicalJSONTests {
    /// The order is that of UTF-16, which is not that of UTF-8 above U+D7FF.
    @Test func namesAreInTheOrderOfTheirUTF16() {
        let names = [
            "", "a", "aa", "ab", "b", "é", "\u{d7ff}", "\u{e000}", "\u{fffd}", "\u{10000}", "😀", "a\u{e000}", "a😀",
            "\u{7f}",
            "\u{80}", "日本", "日本語", "\u{10ffff}", "a\u{0}",
        ]
        let members = Dictionary(uniqueKeysWithValues: names.map { ($0, JSONValue.int(1)) })
        let expected = names.sorted { Array($0.utf16).lexicographicallyPrecedes(Array($1.utf16)) }
        let lines = expected.map { "\"" + ($0 == "a\u{0}" ? "a\\u0000" : $0) + "\":1" }
        #expect(
            String(decoding: CanonicalJSON.bytes(.object(members)), as: UTF8.self)
                == "{" + lines.joined(separator: ",") + "}")
    }

    @Test func onlyWhatMustBeEscapedIs() {
        let text = "\"\\/\u{8}\t\n\u{c}\r\u{0}\u{1f}\u{7f}é😀x"
        #expect(
            String(decoding: CanonicalJSON.bytes(.array([.string(text), .string(""), .string("\n")])), as: UTF8.self)
                == "[\"\\\"\\\\/\\b\\t\\n\\f\\r\\u0000\\u001f\u{7f}é😀x\",\"\",\"\\n\"]")
    }
}
