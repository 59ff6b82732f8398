import AttarStorage
import AttarText
import Foundation
import Testing

struct TextLinesTests {
    @Test func samplesAreEvenlySpacedOverTheFile() throws {
        let lines = (0..<10).map { "{\"text\": \"t\($0)\", \"id\": \($0)}" }.joined(separator: "\n\n")
        try Fixture.withFolder(["a.jsonl": lines, "b.TXT": "{\"first\"}\n \n zweite Zeile é\nthird"]) { folder in
            let sample = { (count: Int, name: String) in try TextLines.sample(of: count, in: folder + name) }
            let (all, few) = (try sample(10, "/a.jsonl"), try sample(4, "/a.jsonl"))
            #expect(all == (0..<10).map { "t\($0)" } && few == ["t0", "t2", "t5", "t7"])
            let (more, plain) = (try sample(99, "/a.jsonl"), try sample(3, "/b.TXT"))
            #expect(more == all && plain == ["{\"first\"}", " zweite Zeile é", "third"])
        }
    }

    @Test func filesWithoutTextsAreRefused() throws {
        for (name, content, word) in [
            ("a.jsonl", "\n \n", "no text"), ("a.txt", "", "no text"), ("b.jsonl", "plain words", "no JSON"),
        ] {
            try Fixture.withFolder([name: content]) { folder in
                let error = Fixture.error { _ = try TextLines.sample(of: 3, in: folder + "/" + name) }
                #expect(error?.description.contains(word) == true, "\(error?.description ?? "")")
            }
        }
        try Fixture.withFolder(bytes: ["c.txt": [0x66, 0xFF, 0x0A]]) { folder in
            #expect(Fixture.error { _ = try TextLines.sample(of: 3, in: folder + "/c.txt") }?.kind == .invalidUTF8)
        }
    }
}
