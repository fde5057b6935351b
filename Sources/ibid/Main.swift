import IbidCommands

@main
struct Main {
    static func main() { IbidCommand.run() }
}
