/// "No confinement by this model": `<seclabel type='none'/>`, the only label so far.
public struct SecurityLabelDefinition: Sendable, Hashable {
    private enum Kind: String, XMLValue, CaseIterable {
        case none

        static var refused: [String: String] {
            let hint = "remove it, or use <seclabel type='none'/>"
            return ["dynamic": hint, "static": hint]
        }
    }

    /// `selinux`, `apparmor`, `dac`; `nil`: the host's.
    public var model: String?

    public init(model: String? = nil) { self.model = model }

    init(_ reader: ElementReader) throws(LodgeError) {
        _ = try reader.required("type", as: Kind.self)
        model = reader.attribute("model")
        if reader.yesNo("relabel") == true {
            reader.record("relabel='yes' does not go with type='none'", hint: "relabel='no' would work")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("seclabel") {
            $0.attribute("type", Kind.none)
            $0.attribute("model", model)
        }
    }
}
