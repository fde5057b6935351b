/// Bytes as people write them, in powers of 1024: `64 MiB`, `2 GiB`, `1.5 GiB`, `100 B`. Exact or with one decimal.
public func sizeText(_ bytes: Int64) -> String {
    let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
    var unit = 0
    var scale: Int64 = 1
    while unit + 1 < units.count, bytes >= scale * 1024 {
        scale *= 1024
        unit += 1
    }
    let tenths = bytes % scale * 10 / scale
    return "\(bytes / scale)\(tenths == 0 ? "" : ".\(tenths)") \(units[unit])"
}
