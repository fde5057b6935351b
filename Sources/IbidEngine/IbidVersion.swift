/// This program's version.
public enum IbidVersion {
    /// Semantic version.
    public static let current = "0.1.0"
}
