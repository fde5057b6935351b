extension Unicode.Scalar {
    /// How HTML writes a character that it would take for its own, in text as in attributes; nil for any other.
    public var htmlEntity: String? {
        switch self {
        case "&": "&amp;"
        case "<": "&lt;"
        case ">": "&gt;"
        case "\"": "&quot;"
        case "'": "&#39;"
        default: nil
        }
    }
}
