@testable import AttarEvidence
import AttarStorage
import Foundation
import Testing

@Suite struct ReportTests {
    @Test func jsonReadsBackEqual() throws {
        var report = try SampleReport.report(queries: 20)
        report.training[0].points[0].loss = .infinity
        let folder = FileManager.default.temporaryDirectory.appending(path: "attar-report-\(UUID().uuidString)").path
        try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: folder) }
        let page = try report.write(toFolder: folder)
        #expect(try String(contentsOfFile: page, encoding: .utf8) == HTMLReport(report).text)
        #expect(try EvaluationReport(path: folder + "/report.json") == report)
    }

    @Test func refusesNewerVersionsAndOtherFiles() throws {
        var report = try SampleReport.report(queries: 20)
        report.version = 99
        let text = String(decoding: try report.json(), as: UTF8.self)
        let newer = try #require(throws: StorageError.self) {
            try withFile(text) { _ = try EvaluationReport(path: $0) }
        }
        #expect(newer.kind == .newerVersion && newer.description.contains("99"))
        #expect(throws: EvidenceError.self) { try withFile("{}") { _ = try EvaluationReport(path: $0) } }
    }

    @Test func thePageIsSelfContainedAndEscaped() throws {
        let page = HTMLReport(try SampleReport.report(queries: 40)).text
        for forbidden in ["<script", "http:", "https:", "url(", "@import", "<link", "<img", "alert('", "onclick"] {
            #expect(!page.contains(forbidden), "\(forbidden)")
        }
        #expect(page.contains("&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt; &amp; how do I copy"))
        #expect(page.contains("prefers-color-scheme:dark") && page.contains("width=device-width"))
        for part in [
            "Verdict", "Quality against time", "Quality in numbers", "What it costs", "Pair by pair", "Training",
            "Where they differ", "How to repeat it", "Platinum 8581C", "attar distill pydoc",
        ] {
            #expect(page.contains(part), "\(part)")
        }
        #expect(!page.contains("nan") || !page.contains("\"nan"))
    }

    @Test func thePageIsWellFormed() throws {
        var sparse = EvaluationReport(
            title: "<nothing>", dataset: DatasetEvidence(name: "n", queries: 0), metrics: [], pipelines: [])
        sparse.verdict = Verdict.decide(for: sparse)
        let plain = try Evaluation.report(
            judgements: Judgements(["q": ["a": 1]]), runs: [try run("<r>&", ["q": [("a", 1)]])],
            metrics: [.nDCG(at: 10)])
        for report in [try SampleReport.report(queries: 20), sparse, plain] {
            #expect(unbalancedTag(in: HTMLReport(report).text) == nil)
        }
    }

    /// The first tag that closes nothing or is never closed.
    private func unbalancedTag(in page: String) -> String? {
        let void: Set<String> = ["meta", "!doctype", "br"]
        var open: [String] = []
        for tag in page.split(separator: "<").dropFirst() {
            guard let end = tag.firstIndex(of: ">") else { return String(tag) }
            let content = tag[..<end]
            let name = String(content.prefix { $0 != " " && $0 != "/" })
            if content.hasPrefix("/") {
                guard open.popLast() == String(content.dropFirst()) else { return String(content) }
            } else if !content.hasSuffix("/"), !void.contains(name) {
                open.append(name)
            }
        }
        return open.last
    }

    @Test func theTableAlignsColumnsAndMarksSignificance() throws {
        let report = try SampleReport.report(queries: 60)
        let text = EvaluationTable(report).text
        let lines = text.split(separator: "\n").map(String.init)
        let header = try #require(lines.first { $0.contains("nDCG@10") })
        let column = try #require(header.range(of: "nDCG@10")).lowerBound
        let offset = header.distance(from: header.startIndex, to: column)
        let rows = lines.filter { $0.count > offset && $0.contains("[0.") && $0.contains("symmetric") }
        #expect(rows.count >= 6)
        for row in rows {
            #expect(row.dropFirst(offset).hasPrefix("0.") && row.dropFirst(offset - 1).first == " ")
        }
        #expect(text.contains("ᵃ") && text.contains("Verdict: ") && text.contains("7.90 ms"))
    }

    @Test func lettersFollowTheAlphabet() {
        #expect([0, 25, 26, 27, 52].map(SignificanceMarks.letter) == ["a", "z", "aa", "ab", "ba"])
    }

    @Test func theLeadSentenceTellsChanceFromDifference() throws {
        let judgements = Judgements(Dictionary(uniqueKeysWithValues: (0..<12).map { ("q\($0)", ["a": 1]) }))
        let good = try run("good", Dictionary(uniqueKeysWithValues: (0..<12).map { ("q\($0)", [("a", 1)]) }))
        let poor = try run("poor", Dictionary(uniqueKeysWithValues: (0..<12).map { ("q\($0)", [("x", 1)]) }))
        var same = good
        same.name = "same"
        let clear = try Evaluation.report(judgements: judgements, runs: [poor, good])
        #expect(HTMLReport.leadSentence(clear) == "“good” has nDCG@10 1.000, significantly more than the other.")
        let unclear = try Evaluation.report(judgements: judgements, runs: [good, same])
        #expect(HTMLReport.leadSentence(unclear).contains("may be chance"))
    }

    @Test func theMachineIsRead() {
        let machine = MachineEvidence.current(kernels: "scalar")
        #expect(machine.cores > 0 && machine.memoryBytes > 0 && !machine.system.isEmpty && machine.kernels == "scalar")
        #expect(MachineEvidence.processorName(in: "processor\t: 0\nmodel name\t: Chip 9: fast\n") == "Chip 9: fast")
        #expect(MachineEvidence.processorName(in: "BogoMIPS : 3\n") == nil)
    }
}

@Suite struct PlotTests {
    @Test func theFrontHoldsWhatNothingBeatsInBoth() {
        #expect(ParetoFront.indices(times: [3, 1, 2, 4, 1], qualities: [0.5, 0.3, 0.2, 0.5, 0.1]) == [1, 0])
        #expect(ParetoFront.indices(times: [], qualities: []).isEmpty)
        #expect(ParetoFront.indices(times: [1, 1], qualities: [0.2, 0.2]) == [0])
    }

    @Test func axesCoverTheirValuesAndTicksAreRound() {
        let time = Axis.logarithmic(covering: [200, 8_000], from: 0, to: 100)
        #expect(time.lower < 200 && time.upper > 8_000)
        #expect(abs(time.position(time.lower)) < 1e-9 && abs(time.position(time.upper) - 100) < 1e-9)
        #expect(time.ticks(about: 6).map { $0.rounded() } == [200, 500, 1_000, 2_000, 5_000, 10_000])
        let single = Axis.logarithmic(covering: [1_000], from: 0, to: 100)
        #expect(single.ticks(about: 4).contains { abs($0 - 1_000) < 1e-6 })
        let quality = Axis.linear(covering: [0.42, 0.71], from: 100, to: 0, within: 0...1)
        #expect(quality.position(0.5) > quality.position(0.6))
        #expect(quality.ticks(about: 6).map { ($0 * 100).rounded() } == [45, 50, 55, 60, 65, 70])
        #expect(Axis.linear(covering: [1, 1], from: 0, to: 1, within: 0...1).upper == 1)
        #expect(Axis.linear(covering: [], from: 0, to: 1).ticks(about: 3).isEmpty == false)
    }

    @Test func labelsCoverNeitherPointsNorEachOther() {
        let area = Box(left: 0, top: 0, width: 200, height: 100)
        var placement = LabelPlacement(
            area: area, obstacles: [Box(left: 93, top: 43, width: 14, height: 14)], fontSize: 12)
        let first = placement.place(["point"], x: 100, y: 50, distance: 10)
        let second = placement.place(["point"], x: 100, y: 50, distance: 10)
        #expect(first?.anchor == "start" && second?.anchor == "end")
        #expect(placement.place(["a label far too long for this area"], x: 100, y: 50, distance: 10) == nil)
        #expect(placement.place(["a label far too long for this area", "x"], x: 100, y: 50, distance: 10)?.text == "x")
    }
}

@Suite struct NumberTextTests {
    @Test func numbersReadAsPeopleWriteThem() {
        #expect(
            NumberText.fixed(-0.0001) == "0.000" && NumberText.signed(-0.5, 1) == "−0.5"
                && NumberText.fixed(.nan) == "–")
        #expect(NumberText.pValue(0.0004) == "p < 0.001" && NumberText.pValue(0.0312) == "p = 0.031")
        #expect(NumberText.percent(0.983) == "98.3 %" && NumberText.percent(1) == "100 %")
        #expect(NumberText.count(1_234_567) == "1,234,567" && NumberText.count(-999) == "−999")
        #expect(NumberText.roughCount(1_234) == "1,300" && NumberText.roughCount(7.2) == "8")
        #expect(NumberText.roughCount(.infinity) == "more than any")
        #expect(NumberText.time(microseconds: 12.34) == "12.3 µs" && NumberText.time(microseconds: 7_900) == "7.90 ms")
        #expect(NumberText.duration(seconds: 305) == "5 min 5 s" && NumberText.duration(seconds: 7_260) == "2 h 1 min")
        #expect(NumberText.bytes(90_900_000) == "90.9 MB" && NumberText.bytes(12) == "12 B")
    }

    @Test func markupEscapesWhatIsPutIn() {
        let name = "<b a='1'>\"&\u{0}"
        let markup: Markup = "<td title=\"\(name)\">\(name)</td>"
        let escaped = "&lt;b a=&#39;1&#39;&gt;&quot;&amp;\u{FFFD}"
        #expect(markup.text == "<td title=\"\(escaped)\">\(escaped)</td>")
    }
}
