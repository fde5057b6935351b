/// What makes an output differ, as found by holding one thing after another still.
public struct Cause: Hashable, Sendable {
    /// The layer of the cause, from the outside in.
    public enum Layer: String, Hashable, Sendable, CaseIterable {
        /// Another processor, kernel, runtime or isolation level than the recorded ones.
        case environment
        /// The order of sets and of dictionaries keyed by text.
        case hashSeed = "hash seed"
        /// The number of threads of numerical libraries.
        case threads
        /// The time of day.
        case clock
        /// Times of files that the run itself wrote.
        case fileTimes = "file times"
        /// Random numbers that nobody seeded.
        case randomness
        /// The order in which a file system lists names.
        case directories = "directory order"
        /// Addresses in memory.
        case addresses
        /// Elapsed and processor time.
        case elapsed = "elapsed time"
        /// The numbers that a file system gives to files.
        case inodes = "inode numbers"
        /// The order in which threads or processes get their turn, and what else nothing here holds still.
        case scheduling
    }

    /// One, or several that each change the output on their own.
    public var layers: [Layer]
    /// One sentence.
    public var summary: String
    /// What to do: the line to add, and where.
    public var advice: String
}
