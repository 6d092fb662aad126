// Dates: written in custom and standard formats, read exactly and leniently, counted, and as FILETIME.

using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;
using System.Reflection;

static class Dates
{
    const string Exact = "yyyy-MM-ddTHH:mm:ss.fffffff";
    static readonly CultureInfo Invariant = CultureInfo.InvariantCulture;

    static readonly string[] Moments = {
        "2009-06-15T13:45:30.6175425", "2024-02-29T00:05:09.0500000", "2019-11-05T12:00:00.0000000",
        "0001-01-01T00:00:00.0000000", "9999-12-31T23:59:59.9999999",
    };

    static readonly string[] CustomFormats = {
        "%d", "dd", "ddd", "dddd", "ddddd", "%M", "MM", "MMM", "MMMM", "MMMMM", "%y", "yy", "yyy", "yyyy", "yyyyy", "yyyyyy",
        "%h", "hh", "hhh", "%H", "HH", "HHH", "%m", "mm", "mmm", "%s", "ss", "sss", "%t", "tt", "ttt", "%g", "gg",
        "%f", "ff", "fff", "ffff", "fffff", "ffffff", "fffffff", "%F", "FF", "FFF", "FFFF", "FFFFF", "FFFFFF", "FFFFFFF",
        "%K", "%z", "zz", "zzz", "zzzz", "%:", "%/", "h:m:s", "ss.FFF", "ss.FF", "s.FFFFFFF", "H.mm", "ss,FFF", "ss.F'F'",
        "yyyy-MM-dd", "yyyyMMdd", "dd.MM.yyyy", "d.M.yy", "M/d/yyyy", "MM/dd/yyyy hh:mm:ss tt", "M/d/yyyy h:mm:ss tt",
        "yyyy-MM-ddTHH:mm:ssZ", "yyyy-MM-ddTHH:mm:ss.fffZ", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:sszzz",
        "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyyMMddHHmmss.fZ", "yyyyMMddHHmmss'Z'", "ddd, dd MMM yyyy HH':'mm':'ss 'GMT'",
        "dddd, MMMM d, yyyy", "d MMMM yyyy", "MMM dd, yyyy", "dd-MMM-yy", "MMMM yyyy", "yyyy'年'M'月'd'日'", "dd/MM/yyyy", "yyyy/MM/dd",
        "h tt", "hh:mm t", "HH:mm", "'day 'd", "\"day \"d", "d'st'", "d\\d", "\\d", "\\\\", "d\\", "'d", "d'", "\"d", "'it''s'", "''",
        "'a\"b'", "\"a'b\"", "'a\\'b'", "%", "%%", "d%", "%dd", "%d%M", "%'a'", "%\\d", "dx", "x", "xy", "at d", "Week d", " d", "d ", "  ",
        "d M", "e", "ee", "D d", "ff.ff", "fffffffffff", "ffffffff", "FFFFFFFF", "ß", "äd", "日d", "🎉d",
        "d'\u00e9\u00a0'M", "[d]", "{d}", "d;M", "d,M", "d#M", "yyyyMMddTHHmmss", "HH'h'mm", "H\\hmm", "yyyy-'Q'M", "\nd", "t", "tM", "dM",
    };

    static readonly string[] StandardFormats = {
        "d", "D", "f", "F", "g", "G", "m", "M", "o", "O", "r", "R", "s", "t", "T", "u", "U", "y", "Y", "a", "z", "K", "h", "H", "1", "-", "",
    };

    public static IEnumerable<Line> Format()
    {
        foreach (var format in StandardFormats.Concat(CustomFormats))
            foreach (var moment in Moments) yield return Written(moment, DateTimeKind.Utc, format);
        foreach (var format in new[] { "%K", "%z", "zz", "zzz", "o", "r", "s", "u", "U", "yyyy-MM-ddTHH:mm:ssK", "yyyy-MM-ddTHH:mm:sszzz" })
            yield return Written(Moments[0], DateTimeKind.Unspecified, format);
        for (int month = 1; month <= 12; month++)
            yield return Written("2023-" + month.ToString("00") + "-" + (month * 2 + 1).ToString("00") + "T08:09:10.0000000", DateTimeKind.Utc, "ddd dddd MMM MMMM h tt");
        var chance = new Chance(1);
        string[] pieces = { "d", "dd", "ddd", "dddd", "M", "MM", "MMM", "MMMM", "y", "yy", "yyy", "yyyy", "h", "hh", "H", "HH", "m", "mm", "s", "ss",
            "t", "tt", "f", "fff", "F", "FFF", ".FFF", "K", "z", "zzz", "-", "/", ":", ".", " ", "T", "Z", "'x'", "\"y\"", "\\h", "%d", ",", "" };
        for (int i = 0; i < 150; i++)
            yield return Written(chance.Of(Moments), DateTimeKind.Utc, string.Concat(Enumerable.Range(0, 2 + chance.Below(6)).Select(_ => chance.Of(pieces))));
    }

    static Line Written(string moment, DateTimeKind kind, string format)
    {
        var at = DateTime.SpecifyKind(DateTime.ParseExact(moment, Exact, Invariant), kind);
        return new Line().With("moment", moment + (kind == DateTimeKind.Utc ? "Z" : "")).With("format", format)
            .Answer("text", () => at.ToString(format, Invariant));
    }

    public static IEnumerable<Line> ParseExact()
    {
        foreach (var chosen in DateTexts.Chosen) yield return Read(chosen.Text, chosen.Format, chosen.Styles);
        foreach (var format in StandardFormats.Concat(CustomFormats))
            foreach (var moment in new[] { Moments[0], Moments[2] })
            {
                string text;
                try { text = DateTime.SpecifyKind(DateTime.ParseExact(moment, Exact, Invariant), DateTimeKind.Utc).ToString(format, Invariant); }
                catch (FormatException) { text = "2009"; }
                yield return Read(text, format, DateTexts.Usual);
            }
        var chance = new Chance(2);
        for (int i = 0; i < 150; i++)
        {
            var chosen = chance.Of(DateTexts.Chosen);
            int at = chance.Below(chosen.Text.Length + 1);
            int cut = chance.Below(Math.Min(2, chosen.Text.Length - at + 1));
            string put = chance.Of(new[] { "", " ", "0", "9", "-", ":", "Z", "+", "x", "." });
            yield return Read(chosen.Text.Remove(at, cut).Insert(at, put), chosen.Format, chosen.Styles);
        }
    }

    static Line Read(string text, string format, string styles)
    {
        // Whether a day of the week fits today's date is another answer tomorrow.
        bool isToday = format.Contains("ddd") && !format.Contains("y") && !styles.Contains("NoCurrentDateDefault");
        if (isToday) return null;
        var asMeant = (DateTimeStyles)Enum.Parse(typeof(DateTimeStyles), styles);
        var line = new Line().With("text", text).With("format", format);
        if (styles != DateTexts.Usual) line.With("styles", styles);
        return Moment(line, () => DateTime.ParseExact(text, format, Invariant, asMeant));
    }

    public static IEnumerable<Line> Parse()
    {
        var styles = DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal;
        foreach (var text in DateTexts.Lenient) yield return Moment(new Line().With("text", text), () => DateTime.Parse(text, Invariant, styles));
        foreach (var format in new[] { "d", "D", "f", "F", "g", "G", "m", "o", "r", "s", "t", "T", "u", "U", "y", "M/d/yyyy h:mm:ss tt", "yyyy-MM-ddzzz",
            "yyyy-MM-ddTHH:mm:ss.fffzzz", "dd MMM yyyy", "MMM d, yyyy", "yyyyMMdd", "d.M.yyyy", "yyyy/M/d H:m", "dddd, dd MMMM yyyy HH:mm:ss" })
            foreach (var moment in Moments)
            {
                var text = DateTime.SpecifyKind(DateTime.ParseExact(moment, Exact, Invariant), DateTimeKind.Utc).ToString(format, Invariant);
                yield return Moment(new Line().With("text", text), () => DateTime.Parse(text, Invariant, styles));
            }
    }

    // The moment in UTC; what has no date is told from what has, as .NET puts the day it runs on.
    static Line Moment(Line line, Func<DateTime> ask)
    {
        DateTime read;
        try { read = ask(); }
        catch (Exception error) { return line.With("fails", error.GetType().Name); }
        var utc = read.Kind == DateTimeKind.Local ? read.ToUniversalTime() : read;
        var text = utc.ToString(Exact, Invariant);
        if (Math.Abs((utc.Date - DateTime.UtcNow.Date).TotalDays) < 2) return line.With("today", text.Substring(10)).With("kind", read.Kind.ToString());
        if (utc.Year == DateTime.UtcNow.Year) return line.With("this_year", text.Substring(4)).With("kind", read.Kind.ToString());
        return line.With("utc", text).With("kind", read.Kind.ToString());
    }

    static readonly string[] Intervals = { "yyyy", "q", "m", "y", "d", "w", "ww", "h", "n", "s" };

    public static IEnumerable<Line> Diff()
    {
        string[][] pairs = {
            new[] { "2021-08-25T17:41:18", "2012-03-16T07:00:00" }, new[] { "2012-03-16T07:00:00", "2021-08-25T17:41:18" },
            new[] { "2024-02-28T23:59:59", "2024-03-01T00:00:00" }, new[] { "2024-03-01T00:00:00", "2024-02-28T23:59:59" },
            new[] { "2023-12-31T23:59:59.9999999", "2024-01-01T00:00:00" }, new[] { "2024-01-01T00:00:00", "2023-12-31T23:59:59.9999999" },
            new[] { "2024-01-06T12:00:00", "2024-01-07T11:00:00" }, new[] { "2024-01-07T11:00:00", "2024-01-06T12:00:00" },
            new[] { "2024-01-07T00:00:00", "2024-01-14T00:00:00" }, new[] { "2024-01-08T00:00:00", "2024-01-14T23:59:59" },
            new[] { "2024-01-13T00:00:00", "2024-01-07T00:00:00" }, new[] { "2024-01-14T00:00:00", "2024-01-13T00:00:00" },
            new[] { "2020-02-29T00:00:00", "2021-02-28T00:00:00" }, new[] { "2020-02-29T00:00:00", "2021-03-01T00:00:00" },
            new[] { "2024-05-05T05:05:05", "2024-05-05T05:05:05" }, new[] { "2024-05-05T05:05:05.9", "2024-05-05T05:05:06.1" },
            new[] { "2024-05-05T05:59:59", "2024-05-05T06:00:00" }, new[] { "2024-05-05T06:00:00", "2024-05-05T05:00:01" },
            new[] { "0001-01-01T00:00:00", "9999-12-31T23:59:59" }, new[] { "9999-12-31T23:59:59", "0001-01-01T00:00:00" },
            new[] { "2024-03-31T00:00:00", "2024-04-01T00:00:00" }, new[] { "2024-06-30T12:00:00", "2023-07-01T12:00:00" },
            new[] { "1899-12-30T00:00:00", "1970-01-01T00:00:00" }, new[] { "1601-01-01T00:00:00", "1600-12-31T00:00:00" },
        };
        foreach (var pair in pairs)
            foreach (var interval in Intervals) yield return Difference(interval, pair[0], pair[1]);
        var chance = new Chance(3);
        for (int i = 0; i < 100; i++) yield return Difference(Intervals[i % Intervals.Length], SomeMoment(chance), SomeMoment(chance));
        foreach (var interval in new[] { "YYYY", "D", "WW", "H", "day", "mm", "yy", "", "ms", "i" }) yield return Difference(interval, pairs[0][0], pairs[0][1]);
    }

    static string SomeMoment(Chance chance)
    {
        return new DateTime(1950 + chance.Below(100), 1 + chance.Below(12), 1 + chance.Below(28), chance.Below(24), chance.Below(60), chance.Below(60))
            .ToString("s", Invariant);
    }

    // Microsoft.VisualBasic.DateAndTime, which the compiler's own library lacks.
    static object Basic(string function, params object[] arguments)
    {
        var type = Type.GetType("Microsoft.VisualBasic.DateAndTime, Microsoft.VisualBasic.Core", true);
        var method = type.GetMethods().Single(m => m.Name == function && m.GetParameters()[0].ParameterType == typeof(string));
        var rest = method.GetParameters().Skip(arguments.Length).Select(parameter => parameter.DefaultValue);
        try { return method.Invoke(null, arguments.Concat(rest).ToArray()); }
        catch (TargetInvocationException error) { throw error.InnerException; }
    }

    static DateTime At(string text) { return DateTime.Parse(text, Invariant, DateTimeStyles.AdjustToUniversal | DateTimeStyles.AssumeUniversal); }

    static Line Difference(string interval, string from, string to)
    {
        return new Line().With("interval", interval).With("from", from + "Z").With("to", to + "Z")
            .Answer("difference", () => Basic("DateDiff", interval, At(from), At(to)));
    }

    public static IEnumerable<Line> Add()
    {
        string[] moments = { "2012-03-16T07:00:00", "2024-01-31T12:30:15", "2024-02-29T00:00:00", "2023-12-31T23:59:59", "0001-01-01T00:00:00", "9999-12-31T23:59:59" };
        foreach (var moment in moments)
            foreach (var interval in Intervals)
                foreach (var number in new long[] { 1, -1, 10, -13, 0 }) yield return Sum(interval, number, moment);
        foreach (var interval in Intervals)
            foreach (var number in new[] { 120000, -120000, int.MaxValue, int.MinValue, 5000000000, -9000000000000000, long.MaxValue })
                yield return Sum(interval, number, moments[1]);
        var chance = new Chance(4);
        for (int i = 0; i < 60; i++) yield return Sum(Intervals[i % Intervals.Length], chance.Below(2000) - 1000, SomeMoment(chance));
    }

    static Line Sum(string interval, long number, string moment)
    {
        return new Line().With("interval", interval).With("number", number).With("moment", moment + "Z")
            .Answer("sum", () => ((DateTime)Basic("DateAdd", interval, (double)number, (object)At(moment))).ToString(Exact, Invariant));
    }

    public static IEnumerable<Line> FileTime()
    {
        long last = DateTime.MaxValue.ToFileTimeUtc();
        foreach (var number in new long[] { 0, 1, 9999999, 10000000, 116444736000000000, 132539615990000000, 128555556000000000, last - 1, last, last + 1, -1, long.MinValue, long.MaxValue })
            yield return new Line().With("filetime", number).Answer("utc", () => DateTime.FromFileTimeUtc(number).ToString(Exact, Invariant));
        foreach (var moment in new[] { "1601-01-01T00:00:00", "1600-12-31T23:59:59.9999999", "1601-01-01T00:00:00.0000001", "0001-01-01T00:00:00", "1970-01-01T00:00:00",
            "2021-01-01T07:59:59", "2024-02-29T12:34:56.7890123", "9999-12-31T23:59:59.9999999", "9999-12-31T00:00:00" })
            yield return new Line().With("moment", moment + "Z").Answer("filetime", () => At(moment).ToFileTimeUtc());
    }
}
