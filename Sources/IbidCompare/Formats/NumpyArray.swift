/// An array file of numpy (`.npy`, numpy/lib/format.py), as far as it can be compared without Python: numbers,
/// booleans and fixed-length texts; never objects, which are pickles.
struct NumpyArray {
    let type: String
    let shape: [Int]
    let isFortranOrder: Bool
    let data: ArraySlice<UInt8>
    let itemSize: Int

    /// Reads a file; nil when it is none, or its data are not as long as its header says.
    init?(_ bytes: ArraySlice<UInt8>) {
        var reader = ByteReader(bytes)
        guard let magic = reader.take(6), magic.elementsEqual([0x93] + Array("NUMPY".utf8)),
            let major = reader.byte(), reader.skip(1), let length = reader.little(major == 1 ? 2 : 4),
            let text = reader.take(Int(clamping: length))
        else { return nil }
        let header = String(decoding: text, as: UTF8.self)
        guard let type = Self.value("descr", in: header), type.first == "'" || type.first == "\"",
            let order = Self.value("fortran_order", in: header), let shape = Self.value("shape", in: header)
        else { return nil }
        self.type = type.filter { $0 != "'" && $0 != "\"" }
        isFortranOrder = order == "True"
        self.shape = shape.split { !$0.isNumber }.compactMap { Int($0) }
        guard let size = Self.size(of: self.type) else { return nil }
        itemSize = size
        var total = size
        for extent in self.shape {
            let (product, overflow) = total.multipliedReportingOverflow(by: extent)
            guard !overflow else { return nil }
            total = product
        }
        guard total == reader.left, let data = reader.take(total) else { return nil }
        self.data = data
    }

    var count: Int { itemSize == 0 ? 0 : data.count / itemSize }

    /// One element; numbers as numbers, texts as texts.
    func element(_ index: Int) -> (number: Double?, text: String?) {
        let start = data.startIndex + index * itemSize
        let raw = data[start..<start + itemSize]
        let bytes = type.first == ">" ? Array(raw) : raw.reversed()
        let bits = bytes.suffix(8).reduce(UInt64(0)) { $0 << 8 | UInt64($1) }
        switch (type.dropFirst().first, itemSize) {
        case ("f", 8): return (Double(bitPattern: bits), nil)
        case ("f", 4): return (Double(Float(bitPattern: UInt32(bits))), nil)
        case ("f", 2): return (Self.half(UInt16(bits)), nil)
        case ("b", 1), ("u", _): return (nil, "\(bits)")
        case ("i", 8), ("m", 8), ("M", 8): return (nil, "\(Int64(bitPattern: bits))")
        case ("i", 4): return (nil, "\(Int32(bitPattern: UInt32(bits)))")
        case ("i", 2): return (nil, "\(Int16(bitPattern: UInt16(bits)))")
        case ("i", 1): return (nil, "\(Int8(bitPattern: UInt8(bits)))")
        default: return (nil, raw.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined())
        }
    }

    /// The place of an element as numpy writes it: `[2, 0]`.
    func place(_ index: Int) -> String {
        var (rest, position): (Int, [Int]) = (index, [])
        for extent in isFortranOrder ? shape : shape.reversed() {
            position.append(extent == 0 ? 0 : rest % extent)
            rest = extent == 0 ? 0 : rest / extent
        }
        return "\(isFortranOrder ? position : position.reversed())"
    }

    // Complex numbers are two numbers.
    func halved() -> NumpyArray? {
        guard type.dropFirst().first == "c" else { return nil }
        return NumpyArray(
            type: String(type.prefix(1)) + "f" + String(itemSize / 2), shape: shape + [2], isFortranOrder: false,
            data: data, itemSize: itemSize / 2)
    }

    private init(type: String, shape: [Int], isFortranOrder: Bool, data: ArraySlice<UInt8>, itemSize: Int) {
        self.type = type
        self.shape = shape
        self.isFortranOrder = isFortranOrder
        self.data = data
        self.itemSize = itemSize
    }

    private static func value(_ key: String, in header: String) -> String? {
        guard let place = header.firstRange(of: "'\(key)':") else { return nil }
        let rest = header[place.upperBound...].drop { $0 == " " }
        let ends: Character = rest.first == "(" ? ")" : ","
        return String(rest.prefix { $0 != ends && $0 != "}" })
    }

    private static func size(of type: String) -> Int? {
        let order = type.first.map { "<>|=".contains($0) } ?? false
        guard order, let kind = type.dropFirst().first, "?biufcmMSUV".contains(kind) else { return nil }
        let digits = type.dropFirst(2).prefix { $0.isNumber }
        guard let size = Int(digits), size <= 1 << 20 else { return nil }
        return kind == "U" ? size * 4 : size
    }

    private static func half(_ bits: UInt16) -> Double {
        let sign = bits >> 15 == 1 ? -1.0 : 1.0
        let (exponent, fraction) = (Int(bits >> 10 & 31), Double(bits & 1023))
        switch exponent {
        case 0: return sign * fraction * 0x1p-24
        case 31: return fraction == 0 ? sign * .infinity : .nan
        default:
            var value = 1 + fraction / 1024
            for _ in 0..<abs(exponent - 15) { value = exponent > 15 ? value * 2 : value / 2 }
            return sign * value
        }
    }
}

extension Tally {
    /// Compares two arrays element by element.
    mutating func arrays(_ old: NumpyArray, _ new: NumpyArray, named name: String) {
        guard old.shape == new.shape, old.isFortranOrder == new.isFortranOrder else {
            return structure("\(name) has the shape \(old.shape), now \(new.shape)")
        }
        guard old.type == new.type else { return structure("\(name) has the type \(old.type), now \(new.type)") }
        if let before = old.halved(), let after = new.halved() { return arrays(before, after, named: name) }
        for index in 0..<old.count {
            let (before, after) = (old.element(index), new.element(index))
            if let left = before.number, let right = after.number {
                numbers(left, right, group: name, at: name + old.place(index))
            } else {
                texts(before.text ?? "", after.text ?? "", group: name, at: name + old.place(index))
            }
        }
    }
}
