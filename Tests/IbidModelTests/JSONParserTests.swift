import Foundation
import IbidModel
import Testing

/// Foundation's decoder is the oracle: what it refuses is refused, what it reads is read the same.
@Suite struct JSONParserTests {
    @Test(arguments: [
        #"{}"#, #"[]"#, #" { "a" : [ 1 , -2 , 0 , true , false , null , "x" ] , "b" : { "c" : "" } } "#, "\t1\r\n",
        #""\"\\\/\b\f\n\r\t\u00e9\ud83d\ude00 é 😀""#, #""\u0000""#, "9007199254740991", "-9007199254740991", "-0",
        "1.0",
        "1e3", "12E-1", "1.5", "9007199254740992", "123456789012345678901234567890", "1e400", #"{"a":1,"a":2}"#,
        "", " ", "{", "[", "[1 2]", #"{"a"}"#, #"{"a":}"#, "{1:2}", "01", "-", "1.", ".5", "+1",
        "1e", "tru", "nul", "True", "NaN", "'a'", #""a"#, #""\x""#, #""\u12g4""#, #""\ud83d""#, #""\ude00""#,
        #""\ud83dx""#, "\"\u{1}\"", "\"a\nb\"", "1 2", "[1]x", "\u{feff}[1]",
    ])
    func agreesWithFoundation(_ text: String) {
        #expect(
            (try? CanonicalJSON.parse(Array(text.utf8)))
                == (try? JSONDecoder().decode(JSONValue.self, from: Data(text.utf8))))
    }

    @Test func refusesWhatIsNoJSON() throws {
        for bytes: [UInt8] in [[0x22, 0xff, 0x22], [0x22, 0xc0, 0x80, 0x22], [0x22, 0xed, 0xa0, 0x80, 0x22], [0xff]] {
            #expect(throws: DecodingError.self) { try CanonicalJSON.parse(bytes) }
        }
        for text in ["[1,]", #"{"a":1,}"#, "[,]"] {
            #expect(throws: DecodingError.self) { try CanonicalJSON.parse(Array(text.utf8)) }
        }
        func nested(_ depth: Int) -> [UInt8] { Array(String(repeating: "[", count: depth).utf8) }
        #expect(throws: DecodingError.self) { try CanonicalJSON.parse(nested(1_000_000)) }
        let deep = nested(500) + Array(String(repeating: "]", count: 500).utf8)
        #expect(CanonicalJSON.bytes(try CanonicalJSON.parse(deep)) == deep)
    }
}
