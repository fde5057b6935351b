import CTurboJPEG

extension Picture {
    /// Reads a JPEG, baseline or progressive, grey, colour or CMYK, with libjpeg-turbo: decoders may differ in a sample's
    /// last bit, so both sides are read by the same one. Notes beside the pixels (EXIF, its orientation too) have no say.
    ///
    /// - Throws: `Unreadable`; also for what the library reads with a warning, since it made up what was missing.
    init(jpeg bytes: [UInt8]) throws(Unreadable) {
        guard let handle = tjInitDecompress() else { throw Unreadable(reason: "there is no memory for its decoder") }
        defer { tjDestroy(handle) }
        func check(_ status: Int32) throws(Unreadable) {
            if status != 0 { throw Unreadable(reason: String(cString: tjGetErrorStr2(handle))) }
        }
        let size = UInt(bytes.count)
        var (width, height, sampling, colours): (Int32, Int32, Int32, Int32) = (0, 0, 0, 0)
        try check(tjDecompressHeader3(handle, bytes, size, &width, &height, &sampling, &colours))
        guard width > 0, height > 0, Int64(width) * Int64(height) <= Int64(Self.mostPixels) else {
            throw Unreadable(reason: "it has more than \(Self.mostPixels) pixels")
        }
        let isFourInks = colours == TJCS_CMYK.rawValue || colours == TJCS_YCCK.rawValue
        let format = Int32((isFourInks ? TJPF_CMYK : TJPF_RGBA).rawValue)
        var raw = [UInt8](repeating: 0, count: Int(width) * Int(height) * 4)
        // A file of many scans takes long and gives nothing.
        let flags = TJFLAG_ACCURATEDCT | TJFLAG_LIMITSCANS
        try check(tjDecompress2(handle, bytes, size, &raw, width, 0, height, format, flags))
        var samples = [UInt16](repeating: .max, count: raw.count)
        for pixel in stride(from: 0, to: raw.count, by: 4) {
            for sample in 0..<3 {
                // Inks are written inverted, 255 for none.
                let value = isFourInks ? Int(raw[pixel + sample]) * Int(raw[pixel + 3]) / 255 : Int(raw[pixel + sample])
                samples[pixel + sample] = UInt16(value) * 257
            }
        }
        self.init(width: Int(width), height: Int(height), samples: samples)
    }
}
