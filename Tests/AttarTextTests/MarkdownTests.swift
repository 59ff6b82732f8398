import AttarText
import Testing

struct MarkdownTests {
    private let page = """
        ---
        title: "Guide"
        year: 2024
        ---
        Before all.

        # First *part*

        See [the `docs`](https://e.org/x_(y)) and ![a picture](p.png), **bold** snake_case_name 2 * 3.
        <!-- not
        this --> Yes.

        ```python
        # no heading
        x = a_b
        ```

        ## Sub part ##
        > quoted

        Underlined
        ----------
        text

        ## Sub part
        again

        # Empty
        """

    @Test func headingsBecomeDocuments() throws {
        let documents = try Fixture.documents("g.md", page)
        #expect(
            documents.map(\.id) == ["g.md", "g.md#first-part", "g.md#sub-part", "g.md#underlined", "g.md#sub-part-1"])
        #expect(documents.map(\.title) == ["Guide", "First part", "Sub part", "Underlined", "Sub part"])
        #expect(documents[2].headings == ["First part"])
        #expect(documents[0].headings == [] && documents[0].text == "Before all.")
        #expect(documents[0].metadata == ["title": .string("Guide"), "year": .number(2024)])
    }

    @Test func titlesAndWhatStandsInQuotesAreTexts() throws {
        let document = try Fixture.documents("g.md", "---\ntitle: 2024\nyear: 2024\ncode: '007'\n---\nText.")[0]
        #expect(document.title == "2024")
        #expect(document.metadata == ["title": .string("2024"), "year": .number(2024), "code": .string("007")])
    }

    @Test func marksAreTakenOutAndCodeStays() throws {
        let text = try Fixture.documents("g.md", page)[1].text
        #expect(text.contains("See the docs and a picture, bold snake_case_name 2 * 3."))
        #expect(text.contains("# no heading\nx = a_b"))
        #expect(text.contains("Yes.") && !text.contains("not\n"))
        #expect(try Fixture.documents("g.md", page)[2].text == "quoted")
    }

    @Test func aFileWithoutHeadingsIsOneDocument() throws {
        let documents = try Fixture.documents("notes.md", "Just text.\n\n---\n\nMore.")
        #expect(documents.count == 1)
        #expect(documents[0].id == "notes.md" && documents[0].title == "notes")
    }
}
