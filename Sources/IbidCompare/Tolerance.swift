import IbidModel

/// How far two numbers may be apart and still count as equal: `|old - new| <= atol + rtol * |old|`, as numpy's
/// `isclose` has it with the recorded number as the reference.
struct Tolerance: Hashable {
    /// Relative to the recorded number.
    var relative: Double
    /// In the number's own unit.
    var absolute: Double

    /// Nothing but the same number.
    static let none = Tolerance(relative: 0, absolute: 0)

    /// What a rule says; without a word of it, one part in a thousand million.
    init(_ rule: CompareRule) {
        let (rtol, atol) = (rule.settings["rtol"].flatMap { Double($0) }, rule.settings["atol"].flatMap { Double($0) })
        relative = rtol ?? (atol == nil ? 1e-9 : 0)
        absolute = atol ?? 0
    }

    private init(relative: Double, absolute: Double) {
        self.relative = relative
        self.absolute = absolute
    }

    func allows(_ old: Double, _ new: Double, difference: Double) -> Bool {
        if old.isNaN && new.isNaN { return true }
        guard old.isFinite, new.isFinite else { return old == new }
        return difference <= absolute + relative * old.magnitude
    }
}
