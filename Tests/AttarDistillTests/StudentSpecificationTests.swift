import AttarDistill
import Testing

@Suite struct StudentSpecificationTests {
    @Test(arguments: ["layers=3", "layers=1+3+5", "width=128,layers=2", "static"])
    func textFormsSurviveARoundTrip(text: String) throws {
        #expect(try StudentSpecification(parsing: text).description == text)
    }

    @Test func widthAloneMeansTwoLayers() throws {
        #expect(try StudentSpecification(parsing: "width=128") == .narrow(width: 128, layers: 2))
    }

    @Test(arguments: [
        "", "layers", "layers=", "layers=0", "layers=x", "layers=3+1", "layers=1+1", "width=100", "width=16",
        "depth=3", "layers=3,layers=2", "static=1", "layers=999",
    ])
    func nonsenseIsRefusedByName(text: String) {
        #expect { try StudentSpecification(parsing: text) } throws: { error in
            "\(error)".contains("\"\(text)\"")
        }
    }

    @Test func evenlySpacedLayersEndWithTheLast() throws {
        #expect(try StudentSpecification.layers(3).copiedLayers(ofTeacherWith: 6) == [1, 3, 5])
        #expect(try StudentSpecification.layers(2).copiedLayers(ofTeacherWith: 6) == [2, 5])
        #expect(try StudentSpecification.layers(1).copiedLayers(ofTeacherWith: 6) == [5])
        #expect(try StudentSpecification.layers(6).copiedLayers(ofTeacherWith: 6) == [0, 1, 2, 3, 4, 5])
        #expect(try StudentSpecification.layers(5).copiedLayers(ofTeacherWith: 12).last == 11)
    }

    @Test func moreLayersThanTheTeacherHasAreRefused() {
        #expect(throws: DistillError.self) { try StudentSpecification.layers(7).copiedLayers(ofTeacherWith: 6) }
        #expect(throws: DistillError.self) {
            try StudentSpecification.chosenLayers([0, 6]).copiedLayers(ofTeacherWith: 6)
        }
    }

    @Test func folderNamesAreSafe() throws {
        #expect(StudentSpecification.narrow(width: 128, layers: 2).folderName == "width-128-layers-2")
        #expect(StudentSpecification.chosenLayers([1, 5]).folderName == "layers-1-5")
    }
}
