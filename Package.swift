// swift-tools-version: 6.1
import PackageDescription

// Targets are layers: a target imports only what stands above it in this list (see ARCHITECTURE.md).

let strict: [SwiftSetting] = [
    .swiftLanguageMode(.v6),
    .enableUpcomingFeature("ExistentialAny"),
    .enableUpcomingFeature("MemberImportVisibility"),
]

func layer(
    _ name: String, _ dependencies: [Target.Dependency] = [], resources: [Resource] = []
) -> Target {
    .target(name: name, dependencies: dependencies, resources: resources, swiftSettings: strict)
}

/// Fixtures are read where they stand, through `#filePath`.
func tests(of name: String, _ dependencies: [Target.Dependency] = [], fixtures: [String] = []) -> Target {
    .testTarget(
        name: name + "Tests",
        dependencies: [.target(name: name), "AttarTestSupport"] + dependencies,
        exclude: fixtures,
        swiftSettings: strict)
}

let database: Target.Dependency = .product(name: "GRDB", package: "GRDB.swift")
let sqlite: Target.Dependency = .product(name: "GRDBSQLite", package: "GRDB.swift")
let arguments: Target.Dependency = .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "attar",
    platforms: [.macOS(.v15)],
    products: [
        .executable(name: "attar", targets: ["attar"]),
        .library(name: "AttarEvidence", targets: ["AttarEvidence"]),
        .library(name: "AttarModels", targets: ["AttarModels"]),
        .library(name: "AttarSearch", targets: ["AttarSearch"]),
        .library(name: "AttarSystems", targets: ["AttarSystems"]),
    ],
    dependencies: [
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
        .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    ],
    targets: [
        // The system's libraries.
        .systemLibrary(name: "CLibcrypto", pkgConfig: "libcrypto", providers: [.apt(["libssl-dev"])]),
        .systemLibrary(name: "CLibstemmer", providers: [.apt(["libstemmer-dev"])]),
        .systemLibrary(name: "CZlib", pkgConfig: "zlib", providers: [.apt(["zlib1g-dev"])]),

        // The layers, lowest first.
        .target(name: "CAttarKernels"),
        layer("AttarStorage", ["CLibcrypto", "CZlib", "CAttarKernels"]),
        layer("AttarTensor", ["CAttarKernels", "AttarStorage"]),
        layer("AttarText", ["AttarStorage", "CLibstemmer"]),
        layer("AttarEvidence", ["AttarStorage", "AttarTensor"]),
        layer(
            "AttarModels", ["CAttarKernels", "AttarStorage", "AttarTensor", "AttarText"],
            resources: [.embedInCode("catalogue.json")]),
        layer("AttarIndex", ["CAttarKernels", "AttarStorage", "AttarTensor"]),
        layer("AttarCollection", ["AttarStorage", "AttarText", "AttarModels", "AttarIndex", database]),
        layer("AttarSignals", ["AttarStorage", "AttarTensor", "AttarModels", database]),
        layer(
            "AttarDistill",
            ["CAttarKernels", "AttarStorage", "AttarTensor", "AttarText", "AttarEvidence", "AttarModels", "AttarIndex",
             "AttarSignals"]),
        layer("AttarSearch", ["AttarTensor", "AttarText", "AttarEvidence", "AttarModels", "AttarIndex", "AttarCollection"]),
        layer(
            "AttarSystems",
            ["CAttarKernels", "AttarStorage", "AttarTensor", "AttarText", "AttarEvidence", "AttarModels", "AttarIndex",
             "AttarCollection", "AttarSignals", "AttarDistill", "AttarSearch"]),
        layer(
            "AttarBench",
            ["CAttarKernels", "AttarStorage", "AttarTensor", "AttarText", "AttarEvidence", "AttarModels", "AttarIndex",
             "AttarCollection", "AttarSearch"],
            resources: [
                .embedInCode("Peers/worker.py"), .embedInCode("Encode/encode.py"), .embedInCode("Tokenize/tokenize.py"),
                .embedInCode("Dense/dense.py"), .embedInCode("Dense/ivf.py"), .embedInCode("MultiVector/multivector.py"),
                .embedInCode("Search/text.py"), .embedInCode("Search/sparse.py"),
                .embedInCode("Train/train.py"), .embedInCode("Train/adapt.py"), .embedInCode("Generate/generate.py"),
            ]),
        .executableTarget(name: "attar", dependencies: ["AttarSystems", "AttarBench", arguments], swiftSettings: strict),

        // What tests share, and the tests.
        layer("AttarTestSupport", ["AttarStorage", "AttarTensor", "AttarModels"]),
        tests(of: "AttarStorage"),
        tests(
            of: "AttarTensor", ["CAttarKernels"],
            fixtures: ["GGUF/make_golden.py", "Golden/make_golden.py", "Golden/operations.json"]),
        tests(of: "AttarText", fixtures: ["Fixtures"]),
        tests(of: "AttarEvidence", fixtures: ["Fixtures"]),
        tests(
            of: "AttarModels", ["AttarText"],
            fixtures: [
                "Fixtures", "Trainable/make_golden.py", "Trainable/make_adapter_golden.py", "Trainable/Fixtures",
                "Decoders/make_golden.py", "Decoders/Fixtures",
            ]),
        tests(of: "AttarIndex", ["CAttarKernels"], fixtures: ["Fixtures"]),
        tests(of: "AttarCollection", [database, sqlite], fixtures: ["Fixtures"]),
        tests(of: "AttarSignals", [database]),
        tests(of: "AttarDistill"),
        tests(of: "AttarSearch"),
        tests(of: "AttarSystems"),
        tests(of: "AttarBench"),
    ]
)
