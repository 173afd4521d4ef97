import FoundationEssentials

extension DomainDefinition {
    /// Reads libvirt's domain XML.
    ///
    /// - Parameters:
    ///   - xml: the whole document, UTF-8.
    ///   - file: what errors call it.
    /// - Throws: `invalidXML` or `unsupported` with file, line and column; all that is wrong is in one error and its
    ///   ``LodgeError/others``.
    public init(xml: [UInt8], file: String) throws(LodgeError) {
        self = try ElementReader.read(xml, file: file, root: "domain", hints: Self.hints, DomainDefinition.init)
    }

    /// The definition as libvirt's `dumpxml` lays it out.
    public func xml() -> String {
        var writer = XMLWriter()
        write(to: &writer)
        return writer.finish()
    }

    /// Applies the rules of reading to a definition made in code.
    ///
    /// - Throws: what reading its XML would throw; also when a string holds what XML cannot hold.
    public func validate() throws(LodgeError) {
        let back = try DomainDefinition(xml: Array(xml().utf8), file: name)
        guard back == self else {
            throw LodgeError(
                .invalidArgument, "the definition does not come back equal from its XML",
                object: ObjectReference(.domain, name), hint: "leave out empty texts, and give memory in whole KiB")
        }
    }

    init(_ reader: ElementReader) throws(LodgeError) {
        kind = try reader.required("type")
        id = reader.attribute("id", in: 0...Int32.max)
        name = try ObjectName.read(reader, of: .domain)
        uuid = reader.childText("uuid", as: UUID.self)
        title = reader.child("title") { element throws(LodgeError) in
            let text = element.text()
            if text.utf8.contains(UInt8(ascii: "\n")) {
                element.record("<title> holds a line feed", hint: "use <description> for longer texts")
            }
            return text.isEmpty ? nil : text
        }
        description = reader.childText("description").flatMap { $0.isEmpty ? nil : $0 }
        metadata = reader.child("metadata").flatMap(MetadataDefinition.init)

        let memoryElement = reader.child("memory")
        if memoryElement == nil {
            reader.record("<domain> has no <memory>", hint: "add <memory unit='GiB'>1</memory>")
        }
        let memory = memoryElement?.collect(Self.readMemory)
        self.memory = memory ?? ByteSize(bytes: 0)
        if let element = reader.child("currentMemory"), let size = element.collect(Self.readMemory) {
            currentMemory = size
            if let memory, size > memory {
                element.record("<currentMemory> is more than <memory>", hint: "\(memory) is the most")
            }
        }
        let vcpuElement = reader.child("vcpu")
        let vcpu = vcpuElement?.collect(VCPUDefinition.init)
        self.vcpu = vcpu ?? VCPUDefinition()
        ioThreads = reader.child("iothreads") { element throws(LodgeError) in
            let count: UInt32 = try element.requiredText()
            guard count <= 256 else { throw element.error("more than 256 I/O threads: \(count)") }
            return count
        }

        let osElement = reader.child("os")
        if osElement == nil {
            reader.record("<domain> has no <os>", hint: "add <os><type machine='q35'>hvm</type></os>")
        }
        os = osElement?.collect(OSDefinition.init) ?? OSDefinition()
        features = reader.child("features", FeaturesDefinition.init)
        let cpuElement = reader.child("cpu")
        cpu = cpuElement?.collect(CPUDefinition.init)
        // A <vcpu> that could not be read has been refused already.
        let count = vcpuElement == nil ? 1 : vcpu?.maximum
        if let cpuElement, let count, let topology = cpu?.topology, topology.count != UInt64(count) {
            cpuElement.record(
                "the topology has \(topology.count) processors, <vcpu> \(count)", hint: "make them equal")
        }
        clock = reader.child("clock", ClockDefinition.init) ?? ClockDefinition()
        onPowerOff = reader.childText("on_poweroff", as: LifecycleAction.self) ?? .destroy
        onReboot = reader.childText("on_reboot", as: LifecycleAction.self) ?? .restart
        onCrash = reader.childText("on_crash", as: CrashAction.self) ?? .destroy
        powerManagement = reader.child("pm", PowerManagementDefinition.init)
        let devicesElement = reader.child("devices")
        devices = devicesElement.map(DevicesDefinition.init) ?? DevicesDefinition()
        securityLabels = reader.children("seclabel", SecurityLabelDefinition.init)

        if let osElement, !os.bootDevices.isEmpty, !devices.bootOrders.isEmpty {
            osElement.record(
                "<boot dev> in <os> and <boot order> of devices exclude one another", hint: "remove <boot dev>")
        }
        checkIOThreads(reader)
    }

    /// Rounded up to whole KiB, as libvirt keeps it, so that what is written reads back equal.
    private static func readMemory(_ reader: ElementReader) throws(LodgeError) -> ByteSize {
        let size = try ByteSize(reader)
        guard size.bytes > 0 else { throw reader.error("<\(reader.name)> is 0") }
        guard size.bytes <= 1 << 52 else {
            throw reader.error("<\(reader.name)> is more than 4096 TiB, which no x86 machine can address")
        }
        return ByteSize(bytes: size.kibibytesRoundedUp << 10)
    }

    /// Disks and controllers name I/O threads by their number.
    private func checkIOThreads(_ reader: ElementReader) {
        let named = devices.disks.compactMap { $0.driver?.ioThread } + devices.controllers.compactMap(\.ioThread)
        if let most = named.max(), most > ioThreads ?? 0 {
            reader.record(
                "a device names I/O thread \(most), but there are \(ioThreads ?? 0)",
                hint: "add <iothreads>\(most)</iothreads>")
        }
    }

    func write(to writer: inout XMLWriter) {
        writer.element("domain") { writer in
            writer.attribute("type", kind)
            writer.attribute("id", id)
            writer.element("name", text: name)
            writer.element("uuid", text: uuid?.lowercased)
            writer.element("title", text: title)
            writer.element("description", text: description)
            metadata?.write(to: &writer)
            memory.write("memory", to: &writer)
            currentMemory?.write("currentMemory", to: &writer)
            vcpu.write(to: &writer)
            writer.element("iothreads", text: ioThreads.map(String.init))
            os.write(to: &writer)
            features?.write(to: &writer)
            cpu?.write(to: &writer)
            clock.write(to: &writer)
            writer.element("on_poweroff", text: onPowerOff.rawValue)
            writer.element("on_reboot", text: onReboot.rawValue)
            writer.element("on_crash", text: onCrash.rawValue)
            powerManagement?.write(to: &writer)
            devices.write(to: &writer)
            for label in securityLabels { label.write(to: &writer) }
        }
    }
}
