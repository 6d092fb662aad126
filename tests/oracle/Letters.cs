// Letters: title case, and upper and lower case in several cultures.

using System.Collections.Generic;
using System.Globalization;
using System.Linq;

static class Letters
{
    static readonly string[] Names = {
        "john doe", "JOHN DOE", "pinto-de'silva", "o'neil", "o’neil", "o'neil o'", "d'arcy-l'isle", "'tis", "it's", "l'été", "rock 'n' roll", "mcdonald", "van der berg",
        "von der leyen", "jean-luc", "jean–luc", "jean—luc", "mary_ann", "anna.maria", "a.b.c.", "j.r.r. tolkien", "dr.med. müller", "3com", "3rd floor", "room 3b", "b2b sales",
        "1st-level support", "a1b2c3", "straße", "große straße", "ǆungla", "ǉubljana", "ǌegoš", "ǳ", "ﬁona", "ﬂynn", "ıstanbul", "istanbul", "ízmir", "éclair", "e\u0301clair", "zoe\u0308 o\u0308zil",
        "ñandú", "ángel", "çelik", "şahin", "ødegård", "łukasz", "þór", "ðe", "œuvre", "æsir", "ŉ", "ſarah", "ß", "ẞ", "μαρία παπαδοπούλου", "σίσυφος σ", "ώς", "иван иванов", "ёлка", "їжак",
        "ა", "ნინო", "ᲐᲑ", "յան", "և", "張 偉", "山田 太郎", "김 철수", "محمد علي", "דוד לוי", "สมชาย", "ὀδυσσεύς", "ᾳ", "ᾠδή", "ⅷ", "ⓐⓑ", "ａｂ", "𐐨𐐩", "😀smile", "a😀b", "a\u200db", "a\u00adb", "a\u00a0b",
        "hello\tworld", "hello\nworld", "hello  world", " hello", "hello ", "", " ", "(hello) [world] {foo}", "\"quoted\" words", "hello,world", "hello;world:foo", "hello/world\\foo", "hello@world.com",
        "hello&world", "hello+world=foo", "hello#world", "hello*world", "hello%world", "hello$world€foo", "hello!world?foo", "hello|world~foo^bar`baz", "hello<world>foo", "½ pint", "x²y", "m²b", "aª bº", "5µm", "№5a", "°c", "a·b", "a‧b", "l·l", "a•b", "a…b", "ʻokina haʻi", "ʼn a", "ʹa", "´a", "¨a", "a`b", "a‘b", "‘a’", "“a”", "«a»", "a\u0345b", "ͅa", "e\u20ddf", "a\u0903b", "a‿b", "a_b c_d", "_a", "__a", "-a", "--a b--", "'a 'b' c'd", "i'm o'brien's", "n'golo k'naan", "x-ray", "e-mail", "t-shirt", "iPhone", "USA", "NATO summit", "ABC-def", "McDONALD", "o'NEIL", "iii", "henry viii",
    };

    public static IEnumerable<Line> TitleCase()
    {
        var letters = CultureInfo.InvariantCulture.TextInfo;
        foreach (var name in Names)
        {
            yield return new Line().With("text", name).Answer("title", () => letters.ToTitleCase(letters.ToLower(name)));
        }
        var chance = new Chance(5);
        string[] pieces = { "a", "b", "é", "ß", "ǆ", "1", "²", "½", "'", "’", "-", ".", "_", " ", "\u0301", "\u200d", "\u00ad", "山", "ʼ", "·", "&", "/", "😀", "I", "N" };
        for (int i = 0; i < 120; i++)
        {
            var text = string.Concat(Enumerable.Range(0, 3 + chance.Below(6)).Select(_ => chance.Of(pieces)));
            yield return new Line().With("text", text).Answer("title", () => letters.ToTitleCase(letters.ToLower(text)));
        }
    }

    public static IEnumerable<Line> Case()
    {
        string[] texts = {
            "Istanbul ıiIİ", "i\u0307 I\u0307", "Straße ẞ ß", "ΣΊΣΥΦΟΣ σς", "ΰ ΐ ᾳ ᾼ ᾠ", "ǆ ǅ Ǆ ǉ ǈ ǌ ǳ ǲ", "ﬁ ﬂ ﬃ ﬆ", "ŉ ǰ ẖ", "µ μ Μ", "ſ s S", "\u212a k K", "\u212b å Å", "\u2126 ω Ω", "é É e\u0301 E\u0301",
            "Ёлка ЁЛКА", "ა Ა ⴀ Ⴀ", "Ꭰ ꭰ", "և ԵՒ", "Ⅷ ⅷ Ⓐ ⓐ", "Ａｂ", "𐐀 𐐨", "Þór Ðe Øre Łódź Œuvre Æsir", "ÿ Ÿ ƒ ſ ı", "ĳ Ĳ ŀ Ŀ", "ɐ Ɐ ɫ Ɫ", "Ǝ ǝ Ə ə", "ƀ Ƀ ȿ Ȿ", "ꞵ Ꞵ ᏸ Ᏸ", "ᲀ В", "ͅ Ι ι ι", "\u1e9e", "abc ABC 123 -_.", "",
            "Ï ï Ì ì Í í", "IĬĨ iĭĩ", "Ąą Įį Ųų Į\u0301", "ά Ά ὰ Ὰ ᾶ", "ϐ ϑ ϕ ϖ ϰ ϱ ϵ", "ẛ ẗ ẘ ẙ ẚ",
        };
        string[] cultures = { "", "tr-TR", "az-Latn-AZ", "de-DE", "el-GR", "lt-LT", "nl-NL", "en-US" };
        foreach (var text in texts)
            foreach (var culture in cultures)
            {
                var line = new Line().With("text", text);
                if (culture != "") line.With("culture", culture);
                var letters = new CultureInfo(culture).TextInfo;
                yield return line.With("lower", letters.ToLower(text)).With("upper", letters.ToUpper(text));
            }
    }
}
