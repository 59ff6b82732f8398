/// Words too frequent to tell documents apart.
///
/// English has the 33 words that Lucene leaves out by default, because published BM25 figures are made with them. For
/// the other languages here stand the commonest articles, prepositions, conjunctions and pronouns, about 30 each:
/// enough to keep them out of the postings, too few to lose a word that carries meaning. Languages not listed have
/// none.
public enum StopWords {
    /// The list of a language; empty for `none` and for languages without one.
    public static func standard(for language: String) -> [String] {
        (lists[language] ?? "").split(separator: " ").map(String.init)
    }

    private static let lists = [
        "en": """
        a an and are as at be but by for if in into is it no not of on or such that the their then there these \
        they this to was will with
        """,
        "de": """
        aber als am an auch auf aus bei das dass dem den der des die ein eine einem einen einer eines er es für \
        hat ich im in ist mit nach nicht oder sich sie sind um und von war wie wird zu zum zur
        """,
        "fr": """
        au aux avec ce ces c d dans de des du elle en est et il ils j je l la le les leur m mais n ne nous on ou \
        par pas pour qu que qui s sa se ses son sont sur un une vous à été
        """,
        "es": """
        al como con de del el ella en es esta este la las le lo los más no o para pero por que se si sin son su \
        sus un una y ya
        """,
        "it": """
        a ai al alla anche che ci come con da dal dalla dei del della delle di e è gli ha i il in l la le lo ma ne \
        nel nella non o per più se si sono su un una uno
        """,
        "pt": """
        a ao aos as com como da das de do dos e é em foi mais mas na nas não no nos o os ou para pela pelo por que \
        se sem ser seu sua um uma
        """,
        "nl": """
        aan als bij dan dat de der die dit door een en er het hij ik in is maar met naar niet of om onder ook op \
        te tot uit van voor was wat werd wordt ze zich zij zijn
        """,
        "sv": """
        att av de den det du en ett för från han har hon i inte jag kan med men mot när och om på som så till ut \
        var vi är
        """,
        "da": """
        af at da de den der det du en er et for fra han har hun i ikke jeg kan med men mod når og om på som så \
        til ud var vi
        """,
        "no": """
        av at da de den der det du en er et for fra han har hun i ikke jeg kan med men mot når og om på som så \
        til ut var vi
        """,
        "ru": """
        а без бы был была было были в во вы для до его ее если же за и из или к как ко мы на не но о он она они \
        от по при с со так то у что это я
        """,
    ]
}
