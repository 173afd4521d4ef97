/// Where sound goes on the host: `<audio>`. Only "nowhere" so far, which libvirt writes into every definition.
public struct AudioDefinition: Sendable, Hashable {
    public enum Kind: String, XMLValue, CaseIterable, Sendable {
        case none

        public static var refused: [String: String] {
            let hint = "type='none' would work"
            return [
                "alsa": hint, "coreaudio": hint, "dbus": hint, "jack": hint, "oss": hint, "pulseaudio": hint,
                "sdl": hint, "spice": hint, "file": hint, "pipewire": hint,
            ]
        }
    }

    public var id: UInt8
    public var kind: Kind

    public init(_ reader: ElementReader) throws(LodgeError) {
        id = try reader.required("id")
        kind = try reader.required("type")
    }

    public func write(to writer: inout XMLWriter) {
        writer.element("audio") {
            $0.attribute("id", id)
            $0.attribute("type", kind)
        }
    }
}
