@testable import AttarSystems
import AttarTestSupport
import Foundation
import Testing

@Suite struct ClaimTests {
    private func result(
        _ bound: Claim.Bound, _ measured: Double, _ baseline: Double? = nil, p: Double? = nil
    ) -> Bool {
        let claim = Claim(id: "S36.0", statement: "", dataset: "x", subject: "a", baseline: "b", bound: bound)
        return ClaimResult(claim: claim, measured: measured, baseline: baseline, pValue: p).holds
    }

    @Test func boundsAreJudgedAsWritten() {
        #expect(result(.atLeast(0.5), 0.5) && !result(.atLeast(0.5), 0.4999))
        #expect(result(.within(value: 0.6, tolerance: 0.01), 0.609) && !result(.within(value: 0.6, tolerance: 0.01), 0.58))
        #expect(result(.ratioAtLeast(0.9), 0.45, 0.5) && !result(.ratioAtLeast(0.9), 0.44, 0.5))
        #expect(result(.notBelow, 0.5, 0.5) && !result(.notBelow, 0.49, 0.5))
        #expect(!result(.notBelow, 0.5, nil))
        #expect(result(.significantlyAbove(level: 0.05), 0.51, 0.5, p: 0.05))
        #expect(!result(.significantlyAbove(level: 0.05), 0.51, 0.5, p: 0.06))
        #expect(!result(.significantlyAbove(level: 0.05), 0.51, 0.5) && !result(.significantlyAbove(level: 0.05), 0.49, 0.5, p: 0))
        #expect(result(.lossAtMost(0.01), 0.495, 0.5) && !result(.lossAtMost(0.01), 0.48, 0.5))
        #expect(result(.ratioAtMost(0.5), 20, 40) && !result(.ratioAtMost(0.5), 21, 40))
        #expect(!result(.lossAtMost(1), 0.5, nil) && !result(.ratioAtMost(2), 0.5, nil))
    }

    @Test func aSeriesHoldsWhenEverySeedDoes() throws {
        func series(_ values: [(measured: Double, baseline: Double?, p: Double?)]) -> ClaimSeries? {
            let claim = Claim(
                id: "S10.1", statement: "", dataset: "x", subject: "a", baseline: "b",
                bound: .significantlyAbove(level: 0.05))
            return ClaimSeries(values.enumerated().map { seed, value in
                .init(seed: UInt64(seed), result: ClaimResult(
                    claim: claim, measured: value.measured, baseline: value.baseline, pValue: value.p))
            })
        }
        let held = try #require(series([(0.5, 0.4, 0.01), (0.6, 0.4, 0.02), (0.7, 0.6, 0.05)]))
        #expect(held.holds && held.entries.map(\.seed) == [0, 1, 2])
        #expect(abs(held.measured.mean - 0.6) < 1e-12 && abs(held.measured.standardDeviation - 0.1) < 1e-12)
        #expect(held.measured.lowest == 0.5 && held.measured.highest == 0.7)
        let difference = try #require(held.difference)
        #expect(abs(difference.mean - 0.4 / 3) < 1e-12 && abs(difference.standardDeviation - 0.05773502691896) < 1e-12)
        #expect(try !#require(series([(0.5, 0.4, 0.01), (0.6, 0.4, 0.06)])).holds)
        let alone = try #require(series([(0.5, nil, 0.01)]))
        #expect(!alone.holds && alone.difference == nil && alone.measured.standardDeviation == 0)
        #expect(series([]) == nil)
    }

    @Test func everySystemHasItsOwnIdAndClaimsThatBearIt() throws {
        let ids = Registry.all.map(\.card.id)
        #expect(Set(ids).count == ids.count)
        for entry in Registry.all {
            #expect(Set(entry.claims.map(\.id)).count == entry.claims.count)
            #expect(entry.claims.allSatisfy { $0.id.hasPrefix(entry.card.id + ".") })
            #expect(try !entry.defaultConfiguration().isEmpty)
        }
    }

    @Test func systemsAreFoundInAnyCaseAndUnknownOnesAreNamed() throws {
        #expect(try Registry.entry("s36").card.name == "LEAF")
        #expect { try Registry.entry("S99") } throws: { "\($0)".contains("S99") && "\($0)".contains("S36") }
    }

    @Test func aConfigurationWithAnUnknownKeyIsRefusedByItsName() async throws {
        let context = RunContext(collection: "/nowhere", teacher: "/nowhere", output: "/nowhere", threads: 1)
        let entry = try Registry.entry("S36")
        await #expect {
            _ = try await entry.run(Data(#"{"transformer": {"stepps": 3}}"#.utf8), context)
        } throws: { "\($0)".contains("transformer.stepps") }
    }

    @Test func commandsCanBeTypedAgain() {
        #expect(ShellWords.joined(["attar", "search", "it's", "a b", ""]) == #"attar search 'it'\''s' 'a b' ''"#)
    }
}
