// Regular expressions: what they find, what they put in its place, and which are refused.

using System;
using System.Collections.Generic;
using System.Text.RegularExpressions;

static class Regexes
{
    public static IEnumerable<Line> Match()
    {
        foreach (var row in Patterns.Rows)
            for (int at = 1; at < row.Length; at++) yield return Found(row[0], row[at]);
        foreach (var pattern in Patterns.Refused) yield return Found(pattern, "");
        for (int c = 0x20; c < 0x7f; c++)
        {
            yield return Found("^\\" + (char)c, ((char)c).ToString() + "1");
            yield return Found("^[\\" + (char)c + "]", ((char)c).ToString() + "1");
        }
        foreach (var name in Patterns.Classes)
            foreach (var text in new[] { "aZ5_ é", "ßÅжγא", "٣½Ⅷ²", "\u0301\u0903\u20dd‿", "\u00a0\u2003\u0085\u200d", "$+^©“”—", "山カひ한" })
                yield return Found(name, text);
        // The last character before a block, its first, its last, and the first behind it.
        foreach (var block in Patterns.Blocks)
        {
            var words = block.Split(' ');
            int first = Convert.ToInt32(words[1], 16), last = Convert.ToInt32(words[2], 16);
            var ends = first == 0 ? "" : ((char)(first - 1)).ToString();
            yield return Found("\\p{" + words[0] + "}+", ends + (char)first + (char)last + (char)(last + 1));
        }
        // Whether two letters are the same without regard to case.
        foreach (var pair in new[] { "kK", "Kk", "k\u212a", "\u212ak", "K\u212a", "sſ", "ſS", "ßẞ", "ẞß", "ßS", "µμ", "μΜ", "µΜ", "σς", "ςΣ", "Σσ", "ıi", "ıI", "İi", "iİ", "İI", "İı", "åÅ", "\u212bå", "Å\u212b", "Ωω", "\u2126ω", "ǆǅ", "ǅǄ", "ǆǄ", "ﬁﬂ", "éÉ", "ÿŸ", "θϑ", "Θϴ", "θϴ", "ιͅ", "Ιι", "яЯ", "аᲀ", "вᲀ", "აᲐ", "ⴀႠ", "ꭰᎠ", "ᏸᏰ", "ⅷⅧ", "ⓐⒶ", "ａＡ", "ſtﬅ", "ﬆﬅ", "βϐ", "Ββ", "Βϐ", "εϵ", "κϰ", "πϖ", "ρϱ", "φϕ", "ẛṡ", "ẛṠ", "\u1fd3\u0390" })
        {
            int middle = pair.Length / 2;
            yield return Found("(?i)^" + pair.Substring(0, middle) + "$", pair.Substring(middle));
            yield return Found("(?i)^[" + pair.Substring(0, middle) + "]$", pair.Substring(middle));
        }
        var chance = new Chance(6);
        string[] pieces = { "a", "b", ".", "\\d", "\\w", "\\s", "\\b", "[ab]", "[^a]", "(a|b)", "(?:ab)", "(a)", "|", "*", "+", "?", "*?", "{2}", "{1,2}", "^", "$", "(?=b)", "(?!b)", "(?<=a)", "\\1", "@" };
        string[] texts = { "aab", "ab ba@b", "a1 b2", "", "bb\n", "abab@a" };
        for (int i = 0; i < 160; i++)
        {
            var pattern = "";
            for (int length = 2 + chance.Below(5); length > 0; length--) pattern += chance.Of(pieces);
            yield return Found(pattern, chance.Of(texts));
        }
    }

    public static IEnumerable<Line> Replace()
    {
        foreach (var row in Patterns.Replacements)
            for (int at = 2; at < row.Length; at++) yield return Replaced(row[0], row[1], row[at]);
        var chance = new Chance(7);
        string[] patterns = { "(a)(b)?", "(?<x>a)|(?<y>b)", "a*", "(.)(.)", "$", "\\b" };
        string[] pieces = { "$1", "$2", "$3", "$0", "$10", "${1}", "${x}", "${y}", "${z}", "$$", "$", "$&", "$`", "$'", "$+", "$_", "-", "1", "{", "}", "${", "${1", "\\1", "$x" };
        string[] texts = { "aab", "ba-ab", "", "xyz" };
        for (int i = 0; i < 120; i++)
            yield return Replaced(chance.Of(patterns), chance.Of(pieces) + chance.Of(pieces) + chance.Of(pieces), chance.Of(texts));
    }

    static Line Found(string pattern, string text)
    {
        var line = new Line().With("pattern", pattern).With("text", text);
        return Asked(line, pattern, regex =>
        {
            var match = regex.Match(text);
            if (!match.Success) { line.With("match", null); return; }
            line.With("match", match.Value).With("index", match.Index);
            var groups = new Line();
            foreach (var name in regex.GetGroupNames())
                if (name != "0") groups.With(name, match.Groups[name].Success ? match.Groups[name].Value : null);
            if (match.Groups.Count > 1) line.With("groups", groups);
        });
    }

    static Line Replaced(string pattern, string replacement, string text)
    {
        var line = new Line().With("pattern", pattern).With("replacement", replacement).With("text", text);
        return Asked(line, pattern, regex => line.With("replaced", regex.Replace(text, replacement)));
    }

    // The answer on the line; where the pattern or replacement is refused, RegexParseException's reason and its place.
    static Line Asked(Line line, string pattern, Action<Regex> ask)
    {
        try { ask(new Regex(pattern, RegexOptions.None, TimeSpan.FromSeconds(5))); }
        catch (ArgumentException error)
        {
            var type = error.GetType();
            line.With("fails", type.GetProperty("Error").GetValue(error).ToString()).With("offset", (int)type.GetProperty("Offset").GetValue(error));
        }
        return line;
    }
}
