public import IbidModel

extension IbidError {
    /// A Dockerfile, or what stands in for it, cannot be understood or carried out at one of its lines.
    ///
    /// The message is `FILE:LINE: problem, in 'the text'`; long text is cut, so that the message stays one line.
    public static func dockerfile(
        _ place: SourcePlace, _ problem: String, text: String, hint: String? = nil
    ) -> IbidError {
        IbidError(
            "dockerfile", "\(place): \(problem)" + (text.isEmpty ? "" : ", in '\(excerpt(text))'"), hint: hint)
    }

    /// The Dockerfile says something that Ibid knows and does not carry out.
    public static func unsupported(
        _ place: SourcePlace, _ what: String, text: String, hint: String
    ) -> IbidError {
        IbidError(
            "dockerfile-unsupported",
            "\(place): \(what) is not supported" + (text.isEmpty ? "" : ", in '\(excerpt(text))'"),
            hint: hint)
    }

    private static func excerpt(_ text: String) -> String {
        let line = String(
            String.UnicodeScalarView(text.unicodeScalars.map { $0.value < 32 || $0.value == 127 ? " " : $0 }))
        return line.unicodeScalars.count <= 120
            ? line : String(String.UnicodeScalarView(line.unicodeScalars.prefix(117))) + "..."
    }
}
