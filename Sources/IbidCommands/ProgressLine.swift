/// One line that says what goes on.
struct ProgressLine {
    /// What kind of thing it is: `build`.
    var label: String
    /// `[2/4]`, or nothing.
    var number = ""
    /// The instruction.
    var what: String
    /// Time and bytes.
    var facts = ""
    /// What it prints, or fetches.
    var detail = ""

    /// The line for so many columns: when they do not suffice, first the detail gives way, then the instruction.
    func fitted(to width: Int) -> (text: String, columns: Int) {
        let start = number.isEmpty ? "" : number + " "
        let end = " (\(facts))"
        let room = width - Columns.count(label + " " + start + end)
        guard room >= 12 else {
            let text = Columns.cut(start + facts, to: width)
            return (text, Columns.count(text))
        }
        let wanted = detail.isEmpty ? 0 : Columns.count(detail) + 1
        let text = Columns.cut(what, to: max(room - wanted, min(room, max(room / 2, 12))))
        let left = room - Columns.count(text) - 1
        let rest = left < 8 || detail.isEmpty ? "" : " " + Columns.cut(detail, to: left)
        return (
            Terminal.styled(label, .dim) + " " + start + text + end + (rest.isEmpty ? "" : Terminal.styled(rest, .dim)),
            Columns.count(label + " " + start + text + end + rest)
        )
    }
}
