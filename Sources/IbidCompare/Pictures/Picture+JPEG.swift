import CCodecShim

extension Picture {
    /// Reads a JPEG, baseline or progressive, grey, colour or CMYK, with libjpeg-turbo: decoders may differ in a
    /// sample's last bit, so both sides are read by the same one. Notes beside the pixels (EXIF, its orientation too)
    /// have no say.
    ///
    /// - Throws: `Unreadable`; also for what the library reads with a warning, since it made up what was missing.
    init(jpeg bytes: [UInt8]) throws(Unreadable) {
        var (width, height, inks): (Int32, Int32, Int32) = (0, 0, 0)
        var problem = [CChar](repeating: 0, count: 256)
        func check(_ status: Int32) throws(Unreadable) {
            guard status != 0 else { return }
            let words = problem.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }
            throw Unreadable(reason: String(decoding: words, as: UTF8.self))
        }
        try check(cc_jpeg_size(bytes, bytes.count, &width, &height, &inks, &problem, problem.count))
        guard width > 0, height > 0, Int64(width) * Int64(height) <= Int64(Self.mostPixels) else {
            throw Unreadable(reason: "it has more than \(Self.mostPixels) pixels")
        }
        var raw = [UInt8](repeating: 0, count: Int(width) * Int(height) * 4)
        try check(cc_jpeg_pixels(bytes, bytes.count, &raw, width, height, inks, &problem, problem.count))
        var samples = [UInt16](repeating: .max, count: raw.count)
        for pixel in stride(from: 0, to: raw.count, by: 4) {
            for sample in 0..<3 {
                // Inks are written inverted, 255 for none.
                let value = inks != 0 ? Int(raw[pixel + sample]) * Int(raw[pixel + 3]) / 255 : Int(raw[pixel + sample])
                samples[pixel + sample] = UInt16(value) * 257
            }
        }
        self.init(width: Int(width), height: Int(height), samples: samples)
    }
}
