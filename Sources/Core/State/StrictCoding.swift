/// Any key, to see those that nobody knows.
private struct AnyKey: CodingKey {
    let stringValue: String
    var intValue: Int? { nil }
    init?(stringValue: String) { self.stringValue = stringValue }
    init?(intValue: Int) { nil }
}

extension Decoder {
    /// A container of these keys that refuses any other: what is not understood is not dropped.
    func strictContainer<Key: CodingKey & CaseIterable>(_ type: Key.Type) throws -> KeyedDecodingContainer<Key> {
        let container = try container(keyedBy: type)
        // `allKeys` has the known ones only, so a difference in number is an unknown key.
        let all = try self.container(keyedBy: AnyKey.self).allKeys
        guard all.count != container.allKeys.count else { return container }
        let known = Set(Key.allCases.map(\.stringValue))
        let unknown = all.map(\.stringValue).filter { !known.contains($0) }.sorted()
        throw DecodingError.dataCorrupted(
            .init(codingPath: codingPath, debugDescription: "unknown keys: \(unknown.joined(separator: ", "))"))
    }
}
