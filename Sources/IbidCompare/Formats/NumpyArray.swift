/// An array file of numpy (`.npy`, numpy/lib/format.py), as far as it can be compared without Python: numbers,
/// booleans, times, texts of a fixed length, and records of these; never objects, which are pickles.
struct NumpyArray {
    /// A part of each element; a plain array has one without a name.
    struct Field: Hashable {
        var name: String
        /// As numpy writes it, `<f8`.
        var type: String
        var offset: Int
        var size: Int

        var kind: Character { type.dropFirst().first ?? "V" }
        var isBig: Bool { type.first == ">" }
    }

    let fields: [Field]
    let shape: [Int]
    let isFortranOrder: Bool
    let data: ArraySlice<UInt8>
    let itemSize: Int

    /// Reads a file whose data must be as long as its header says.
    init(_ bytes: ArraySlice<UInt8>) throws(Unreadable) {
        var reader = ByteReader(bytes)
        guard let magic = reader.take(6), magic.elementsEqual([0x93] + Array("NUMPY".utf8)),
            let major = reader.byte(), reader.skip(1), let length = reader.little(major == 1 ? 2 : 4),
            let text = reader.take(Int(clamping: length))
        else { throw Unreadable(reason: "it is no array file of numpy") }
        let header = String(decoding: text, as: UTF8.self)
        guard let type = Self.value("descr", in: header), let order = Self.value("fortran_order", in: header),
            let shape = Self.value("shape", in: header)
        else { throw Unreadable(reason: "its header is damaged") }
        fields = try NumpyType.fields(type)
        isFortranOrder = order == "True"
        self.shape = shape.split { !$0.isNumber }.compactMap { Int($0) }
        itemSize = fields.reduce(0) { $0 + $1.size }
        var total = itemSize
        for extent in self.shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: extent)
            guard !overflow else { throw Unreadable(reason: "its header announces more than any machine has") }
            total = product
        }
        guard total == reader.left, let data = reader.take(total) else {
            throw Unreadable(reason: "it has \(reader.left) bytes of data where its header announces \(total)")
        }
        self.data = data
    }

    var count: Int { itemSize == 0 ? 0 : data.count / itemSize }

    /// The indices of an element of the file.
    func position(_ index: Int) -> [Int] {
        var (rest, position): (Int, [Int]) = (index, [])
        for extent in isFortranOrder ? shape : shape.reversed() {
            position.append(extent == 0 ? 0 : rest % extent)
            rest = extent == 0 ? 0 : rest / extent
        }
        return isFortranOrder ? position : position.reversed()
    }

    /// Where an element with these indices stands in the file.
    func index(of position: [Int]) -> Int {
        let pairs = Array(zip(shape, position))
        return (isFortranOrder ? pairs.reversed() : pairs).reduce(0) { $0 * $1.0 + $1.1 }
    }

    // A value of Python's dict literal: up to the comma outside of brackets.
    private static func value(_ key: String, in header: String) -> String? {
        guard let place = header.firstRange(of: "'\(key)':") else { return nil }
        var (depth, text) = (0, "")
        for character in header[place.upperBound...].drop(while: { $0 == " " }) {
            if "([".contains(character) { depth += 1 }
            if ")]".contains(character) { depth -= 1 }
            if depth == 0 && ",}".contains(character) { break }
            text.append(character)
        }
        return text
    }

    /// A number of 16 bits (IEEE 754 binary16), the least significant byte first.
    static func half(_ bytes: some Collection<UInt8>) -> Double {
        let bits = bytes.reversed().reduce(UInt16(0)) { $0 << 8 | UInt16($1) }
        let sign = bits >> 15 == 1 ? -1.0 : 1.0
        let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default: return Double(sign: .plus, exponent: exponent - 15, significand: sign * (1 + fraction / 1024))
        }
    }
}

/// The types of numpy's array files.
enum NumpyType {
    /// The fields of a `descr`: `'<f8'`, or `[('a', '<f8'), ('b', '<i4')]`.
    static func fields(_ text: String) throws(Unreadable) -> [NumpyArray.Field] {
        if text.first == "'" || text.first == "\"" { return [try field("", String(text.dropFirst().dropLast()), 0)] }
        var (fields, offset): ([NumpyArray.Field], Int) = ([], 0)
        let words = text.split(separator: "'", omittingEmptySubsequences: false)
        // Between quotes: name, type, name, type; anything else between them is a nested type, or has a shape.
        let between = words.enumerated().filter { $0.offset.isMultiple(of: 2) }.map {
            String($0.element.filter { $0 != " " })
        }
        guard words.count >= 5, words.count % 4 == 1,
            between.enumerated().allSatisfy({ number, text in
                let expected =
                    number == 0 ? "[(" : number == between.count - 1 ? ")]" : number.isMultiple(of: 2) ? "),(" : ","
                return text == expected
            })
        else { throw Unreadable(reason: "its elements are of a type that Ibid does not read: \(Tally.clip(text))") }
        for number in stride(from: 1, to: words.count - 2, by: 4) {
            let field = try field(String(words[number]), String(words[number + 2]), offset)
            offset += field.size
            fields.append(field)
        }
        return fields
    }

    private static func field(_ name: String, _ type: String, _ offset: Int) throws(Unreadable) -> NumpyArray.Field {
        let order = type.first.map { "<>|=".contains($0) } ?? false
        guard order, let kind = type.dropFirst().first, "?biufcmMSUV".contains(kind),
            let size = Int(type.dropFirst(2).prefix { $0.isNumber }), size <= 1 << 20
        else {
            let isObject = type.contains("O")
            throw Unreadable(
                reason: isObject
                    ? "its elements are Python objects, which are pickles"
                    : "its elements are of a type that Ibid does not read: \(Tally.clip(type))")
        }
        return NumpyArray.Field(name: name, type: type, offset: offset, size: kind == "U" ? size * 4 : size)
    }
}
