/// The languages that the analyzer knows by ISO 639-1 code.
public enum Language {
    /// Snowball's algorithm by language.
    private static let algorithms = [
        "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english",
        "es": "spanish", "eu": "basque", "fi": "finnish", "fr": "french", "ga": "irish", "hi": "hindi",
        "hu": "hungarian", "hy": "armenian", "id": "indonesian", "it": "italian", "lt": "lithuanian", "ne": "nepali",
        "nl": "dutch", "no": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
        "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
    ]

    /// Languages whose words are indexed as they are.
    private static let unstemmed = [
        "bg", "bn", "cs", "et", "fa", "he", "hr", "ja", "ka", "km", "ko", "lo", "lv", "mk", "my", "pl", "sk", "sl",
        "th",
        "uk", "ur", "vi", "zh",
    ]

    /// All codes, in alphabetical order; `none` is accepted besides.
    public static let codes = (Array(algorithms.keys) + unstemmed).sorted()

    /// Whether a code, or `none`, is known.
    public static func isKnown(_ code: String) -> Bool {
        code == "none" || algorithms[code] != nil || unstemmed.contains(code)
    }

    /// The Snowball algorithm of a language, or nil when its words stay as they are.
    static func stemmer(for code: String) -> String? {
        algorithms[code]
    }
}
