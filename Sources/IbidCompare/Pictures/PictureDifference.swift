import IbidModel

/// Two pictures, pixel by pixel.
struct PictureDifference {
    /// Why they cannot be laid over one another; nil when they can.
    private(set) var problem: String?
    /// Pixels of which a sample differs at all.
    private(set) var changed = 0
    /// Pixels of which a sample differs by more than the threshold.
    private(set) var beyond = 0
    /// The largest difference of one sample, from 0 to 1.
    private(set) var largest = 0.0
    private(set) var pixels = 0
    /// The smallest box that holds every changed pixel: left, top, right, bottom.
    private(set) var box: (left: Int, top: Int, right: Int, bottom: Int)?

    init(_ old: Picture, _ new: Picture, threshold: Double) {
        guard old.width == new.width, old.height == new.height else {
            problem = "\(old.width)×\(old.height) pixels, now \(new.width)×\(new.height)"
            return
        }
        if old.colours != new.colours {
            let names = Set(old.colours.keys).union(new.colours.keys).filter { old.colours[$0] != new.colours[$0] }
            problem = "the same size, but another \(names.sorted().joined(separator: ", ")): other colours"
            return
        }
        pixels = old.width * old.height
        let allowed = Int(threshold * 65_535)
        var most = 0
        for pixel in 0..<pixels {
            let distance = Self.distance(old, new, pixel)
            if distance == 0 { continue }
            changed += 1
            if distance > allowed { beyond += 1 }
            most = max(most, distance)
            let (x, y) = (pixel % old.width, pixel / old.width)
            let known = box ?? (x, y, x, y)
            box = (min(known.left, x), min(known.top, y), max(known.right, x), max(known.bottom, y))
        }
        largest = Double(most) / 65_535
    }

    private static func distance(_ old: Picture, _ new: Picture, _ pixel: Int) -> Int {
        var most = 0
        for sample in pixel * 4..<pixel * 4 + 4 {
            most = max(most, abs(Int(old.samples[sample]) - Int(new.samples[sample])))
        }
        return most
    }

    /// One line: how many pixels, by how much, where.
    var summary: String {
        if let problem { return problem }
        guard changed > 0, let box else { return "the same pixels, written differently" }
        let share = NumberText.short(Double(changed) * 100 / Double(max(1, pixels)))
        return "\(changed) of \(pixels) pixels differ (\(share) %), by at most \(NumberText.short(largest)) of full "
            + "scale, within \(box.right - box.left + 1)×\(box.bottom - box.top + 1) at (\(box.left), \(box.top))"
    }

    /// What a rule says; without settings every pixel must be the same.
    ///
    /// `threshold` is the largest difference of one sample, `pixels` the share of pixels that may go beyond it.
    static func judge(_ rule: CompareRule, _ old: [UInt8], _ new: [UInt8]) -> Finding {
        let pictures: [Picture]
        do throws(Unreadable) {
            pictures = [try Picture(old), try Picture(new)]
        } catch {
            return Finding(isEqual: false, detail: "could not be read as a picture: \(error.reason); bytes differ")
        }
        let threshold = rule.settings["threshold"].flatMap { Double($0) } ?? 0
        let share = rule.settings["pixels"].flatMap { Double($0) } ?? 0
        let difference = PictureDifference(pictures[0], pictures[1], threshold: threshold)
        let isEqual = difference.problem == nil && Double(difference.beyond) <= share * Double(difference.pixels)
        return Finding(isEqual: isEqual, detail: difference.summary)
    }

    /// A map of the differences: what is the same is pale, what differs is red, the stronger the more it differs.
    static func map(_ old: Picture, _ new: Picture) -> Picture? {
        guard old.width == new.width, old.height == new.height else { return nil }
        var map = Picture(width: old.width, height: old.height, samples: new.samples)
        for pixel in 0..<old.width * old.height {
            let distance = distance(old, new, pixel)
            let place = pixel * 4
            if distance == 0 {
                let grey = (0..<3).reduce(0) { $0 + Int(new.samples[place + $1]) } / 3
                let pale = UInt16(52_428 + grey / 5)
                for sample in 0..<3 { map.samples[place + sample] = pale }
            } else {
                let strength = 0.35 + 0.65 * Double(distance) / 65_535
                map.samples[place] = UInt16(40_000 + 25_535 * strength)
                for sample in 1..<3 { map.samples[place + sample] = UInt16(45_000 * (1 - strength)) }
            }
            map.samples[place + 3] = .max
        }
        return map
    }
}
