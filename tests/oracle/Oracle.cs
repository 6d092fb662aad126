// What .NET says of dates, letters and regular expressions, written as JSON lines: the truth muster is measured by.
//
// Run by run.sh. Every file is the same on every run: no clock, no chance but a fixed seed.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.IO;
using System.Linq;
using System.Text;

static class Oracle
{
    static void Main(string[] args)
    {
        CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
        if (TimeZoneInfo.Local.BaseUtcOffset != TimeSpan.Zero) throw new Exception("run it with TZ=UTC, as Entra's servers are");
        Write(args[0], "date_format", Dates.Format());
        Write(args[0], "date_parse", Dates.ParseExact());
        Write(args[0], "date_lenient", Dates.Parse());
        Write(args[0], "date_diff", Dates.Diff());
        Write(args[0], "date_add", Dates.Add());
        Write(args[0], "round", Dates.FileTime());
        Write(args[0], "title_case", Letters.TitleCase());
        Write(args[0], "case", Letters.Case());
        Write(args[0], "regex_match", Regexes.Match());
        Write(args[0], "regex_replace", Regexes.Replace());
    }

    static void Write(string folder, string name, IEnumerable<Line> lines)
    {
        var seen = new HashSet<string>();
        var all = lines.Where(line => line != null).Select(line => line.ToString()).Where(line => seen.Add(line));
        File.WriteAllText(Path.Combine(folder, name + ".jsonl"), string.Concat(all.Select(line => line + "\n")));
    }
}

// One vector: an object of texts, numbers, booleans and objects of texts.
sealed class Line
{
    readonly StringBuilder json = new StringBuilder();

    public Line With(string name, object value)
    {
        json.Append(json.Length == 0 ? "" : ", ").Append(Quoted(name)).Append(": ").Append(Json(value));
        return this;
    }

    // What `ask` answers, under `name`; or the exception's name under "fails".
    public Line Answer(string name, Func<object> ask)
    {
        object answer;
        try { answer = ask(); }
        catch (Exception error) { return With("fails", error.GetType().Name); }
        return With(name, answer);
    }

    public override string ToString() { return "{" + json + "}"; }

    static string Json(object value)
    {
        if (value == null) return "null";
        if (value is bool) return (bool)value ? "true" : "false";
        if (value is int || value is long) return Convert.ToString(value, CultureInfo.InvariantCulture);
        if (value is Line) return value.ToString();
        return Quoted((string)value);
    }

    // Half a character, which JSON has not, is the one that stands for none.
    static string Quoted(string text)
    {
        var quoted = new StringBuilder("\"");
        for (int at = 0; at < text.Length; at++)
        {
            char c = text[at];
            if (c == '"' || c == '\\') quoted.Append('\\').Append(c);
            else if (char.IsHighSurrogate(c) && at + 1 < text.Length && char.IsLowSurrogate(text[at + 1])) quoted.Append(c).Append(text[++at]);
            else if (char.IsSurrogate(c)) quoted.Append("\\ufffd");
            else if (IsSeen(c)) quoted.Append(c);
            else quoted.Append("\\u" + ((int)c).ToString("x4"));
        }
        return quoted.Append('"').ToString();
    }

    // What stands alone and can be told from others by eye; the rest is written by its number.
    static bool IsSeen(char c)
    {
        if (c < 0x7f) return c >= 0x20;
        return char.IsLetter(c) && c < 0x600 || c >= 0x3040 && c < 0xd7a4;
    }
}

// The same choices on every machine and every .NET.
sealed class Chance
{
    ulong state;
    public Chance(ulong seed) { state = seed; }

    public int Below(int bound)
    {
        state = state * 6364136223846793005UL + 1442695040888963407UL;
        return (int)((state >> 33) % (ulong)bound);
    }

    public T Of<T>(IList<T> choices) { return choices[Below(choices.Count)]; }
}
