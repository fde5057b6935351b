/// One instruction's text: continuation lines joined, comments between them gone, here-documents collected.
struct LogicalLine {
    /// Where it starts.
    var place: SourcePlace
    /// The joined text, without surrounding blanks.
    var text: String
    /// Its here-documents, in order.
    var hereDocuments: [HereDocument]
}
