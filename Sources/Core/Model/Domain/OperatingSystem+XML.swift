extension OSDefinition {
    private enum Kind: String, XMLValue, CaseIterable {
        case hvm

        static var refused: [String: String] {
            let hint = "<type>hvm</type> would work"
            return ["linux": hint, "xen": hint, "xenpvh": hint, "exe": hint, "uml": hint]
        }
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        guard let type = reader.child("type") else {
            throw reader.error("<os> has no <type>", hint: "add <type arch='x86_64' machine='q35'>hvm</type>")
        }
        _ = try type.requiredText(as: Kind.self)
        architecture = type.attribute("arch")
        machine = type.attribute("machine")
        if let machine, !PlainName.isPlain(machine) {
            type.record(
                "'\(excerpt(machine))' is not a machine type", hint: "use q35 or pc, or a name from qemu -machine help",
                attribute: "machine")
        }
        firmware = reader.attribute("firmware")
        if let element = reader.child("firmware") {
            firmwareFeatures = element.children("feature") { feature throws(LodgeError) in
                let isEnabled = try feature.required("enabled", as: YesNo.self) == .yes
                return FirmwareFeature(try feature.required("name"), isEnabled: isEnabled)
            }
            if firmware == nil {
                element.record(
                    "<firmware> without automatic selection", hint: "use <os firmware='efi'>, or remove it")
            }
        }
        loader = reader.child("loader", Loader.init)
        nvram = reader.child("nvram", NVRAM.init)
        kernel = reader.child("kernel")?.pathText()
        initrd = reader.child("initrd")?.pathText()
        commandLine = reader.childText("cmdline")
        if kernel == nil, initrd != nil || commandLine != nil {
            reader.record("<initrd> and <cmdline> need a <kernel>", hint: "add <kernel>/…</kernel>")
        }
        bootDevices = reader.children("boot") { element throws(LodgeError) in try element.required("dev") }
        if Set(bootDevices).count != bootDevices.count {
            reader.record("a boot device is named twice", hint: "keep one of them")
        }
        bootMenu = reader.child("bootmenu") { element throws(LodgeError) in
            BootMenu(
                isEnabled: try element.required("enable", as: YesNo.self) == .yes,
                timeout: element.attribute("timeout"))
        }
        smbiosMode = reader.child("smbios") { element throws(LodgeError) in try element.required("mode") }
        bios = reader.child("bios") { element throws(LodgeError) in
            var bios = BIOS()
            bios.usesSerial = element.yesNo("useserial")
            bios.rebootTimeout = element.attribute("rebootTimeout", in: -1...65535)
            return bios
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("os") { writer in
            writer.attribute("firmware", firmware)
            writer.element("type") {
                $0.attribute("arch", architecture)
                $0.attribute("machine", machine)
                $0.text(Kind.hvm.rawValue)
            }
            if !firmwareFeatures.isEmpty {
                writer.element("firmware") { writer in
                    for feature in firmwareFeatures {
                        writer.element("feature") {
                            $0.attribute("enabled", yesNo: feature.isEnabled)
                            $0.attribute("name", feature.name)
                        }
                    }
                }
            }
            loader?.write(to: &writer)
            nvram?.write(to: &writer)
            writer.element("kernel", text: kernel)
            writer.element("initrd", text: initrd)
            writer.element("cmdline", text: commandLine)
            for device in bootDevices { writer.element("boot", "dev", device) }
            if let bootMenu {
                writer.element("bootmenu") {
                    $0.attribute("enable", yesNo: bootMenu.isEnabled)
                    $0.attribute("timeout", bootMenu.timeout)
                }
            }
            if let bios {
                writer.element("bios") {
                    $0.attribute("useserial", yesNo: bios.usesSerial)
                    $0.attribute("rebootTimeout", bios.rebootTimeout)
                }
            }
            writer.element("smbios", "mode", smbiosMode)
        }
    }
}

/// Newer libvirt names the format of firmware images; raw is what is meant without it.
private enum FirmwareFormat: String, XMLValue, CaseIterable {
    case raw

    static var refused: [String: String] { ["qcow2": "convert the image: qemu-img convert -O raw OLD NEW"] }
}

extension OSDefinition.Loader {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        isReadOnly = reader.yesNo("readonly")
        kind = reader.attribute("type")
        isSecure = reader.yesNo("secure")
        isStateless = reader.yesNo("stateless")
        _ = reader.attribute("format", as: FirmwareFormat.self)
        path = reader.text().isEmpty ? nil : reader.pathText()
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("loader") {
            $0.attribute("readonly", yesNo: isReadOnly)
            $0.attribute("secure", yesNo: isSecure)
            $0.attribute("type", kind)
            $0.attribute("stateless", yesNo: isStateless)
            $0.text(path ?? "")
        }
    }
}

extension OSDefinition.NVRAM {
    fileprivate init(_ reader: ElementReader) throws(LodgeError) {
        template = reader.path("template")
        _ = reader.attribute("format", as: FirmwareFormat.self)
        _ = reader.attribute("templateFormat", as: FirmwareFormat.self)
        path = reader.text().isEmpty ? nil : reader.pathText()
    }

    fileprivate func write(to writer: inout XMLWriter) {
        writer.element("nvram") {
            $0.attribute("template", template)
            $0.text(path ?? "")
        }
    }
}
