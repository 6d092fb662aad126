// The regular expressions people write, and the places where engines differ.

static class Patterns
{
    // A pattern, then the texts it is sought in.
    public static readonly string[][] Rows = {
        // What Microsoft's pages and administrators write.
        new[] { "([1-9][0-9])", "room 42", "room 7", "05", "105" },
        new[] { "^([1-9][0-9])$", "42", "room 42", "42\n", "042" },
        new[] { ".*\\@domain.com", "anna@domain.com", "anna@domainxcom", "anna@other.com" },
        new[] { "(1[0-9][0-9][0-9][0-9][0-9][0-9])", "1500000", "2500000", "21500000" },
        new[] { "([\\\\/\\\\\\\\\\\\[\\\\]\\\\:\\\\;\\\\|\\\\=\\\\,\\\\+\\\\*\\\\?\\\\<\\\\>])", "a/b", "a\\b", "ab" },
        new[] { "([\\/\\\\\\[\\]\\:\\;\\|\\=\\,\\+\\*\\?\\<\\>])", "a/b", "a\\b", "a<b", "a]b", "ab", "a-b" },
        new[] { "(\\.)*$", "john..", "john", "..", "" },
        new[] { "(?<Suffix>@(.)*)", "john@contoso.com", "john", "@" },
        new[] { "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "+91 9998887777", "+91 8887779999 x", "919998887777" },
        new[] { "(?<streetNumber>^\\d*)", "545 Tremont Street", "Tremont Street" },
        new[] { "[a-zA-Z_]*", "john_doe72", "72john" },
        new[] { "[()\\s-]+", "+1 (999) 888-7777" },
        new[] { "^[A-Za-z0-9._%+-]+@[A-Za-z0-9.-]+\\.[A-Za-z]{2,}$", "anna.b+c@example.co.uk", "anna@example", "anna@exämple.com" },
        new[] { "^\\d{5}(-\\d{4})?$", "12345", "12345-6789", "1234", "١٢٣٤٥" },
        new[] { "^(?i)sales|marketing$", "SALES", "Sales dept", "x MARKETING", "market" },
        new[] { "^(sales|marketing)$", "sales", "Sales", "sales " },
        new[] { "^(?!svc-)", "svc-backup", "anna" },
        new[] { "^(?!.*test).*$", "a test", "fine" },
        new[] { "^(?=.*\\d)(?=.*[a-z]).{3,}$", "ab1", "abc" },
        new[] { "(?<=@)\\w+", "a@b c@d" },
        new[] { "(?<!\\d)\\d{2}(?!\\d)", "12 345 67", "345" },
        new[] { "^\\s*$", "", "  \t", "\u00a0", "x" },
        new[] { "^.+$", "a", "", "\n", "a\nb" },
        new[] { "^[^@]+", "anna@x", "@x" },
        new[] { "^CN=(?<cn>(?:\\\\,|[^,])+),(?<rest>.*)$", "CN=Doe\\, John,OU=x,DC=y", "OU=x" },
        new[] { "\\bIT\\b", "the IT dept", "ITs", "éIT", "IT'S", "IT-x", "_IT", "IT\u0301", "1IT", "\u200dIT" },
        new[] { "\\Bb", "ab", "b", "a b" },
        new[] { "0*(?<n>\\d+)", "00042", "0", "000" },
        new[] { "^(\\w)(\\w*)$", "anna", "Zoë", "e\u0301x", "a-b" },
        new[] { "[äöüß]", "Müller", "Muller", "Mu\u0308ller" },
        new[] { "^[\\p{L} '-]+$", "Zoë O'Neil-Smith", "Zoe2", "Zoe\u0308" },
        new[] { "^\\p{Lu}\\p{Ll}+$", "Anna", "anna", "Ärmel", "ǅx" },

        // Anchors and line breaks.
        new[] { "a$", "a", "a\n", "a\n\n", "a\r\n", "a\nb", "a\r" },
        new[] { "a\\Z", "a\n", "a\n\n", "a\r\n" }, new[] { "a\\z", "a\n", "a" }, new[] { "\\Ab", "b", "a\nb" }, new[] { "^b", "a\nb", "b" },
        new[] { "(?m)a$", "a\nb", "a\r\nb", "a" }, new[] { "(?m)^b", "a\nb", "a\rb" }, new[] { "(?m)^$", "a\n\nb", "a\n", "" }, new[] { "(?m)\\Ab", "a\nb" }, new[] { "(?m)a\\Z", "a\nb", "a\n" },
        new[] { "^$", "", "\n", "\n\n" }, new[] { "$", "a\n", "" }, new[] { "$\\n", "a\n" }, new[] { "$a", "a" }, new[] { "a^", "a" }, new[] { "^*a", "a" }, new[] { "$*", "a" }, new[] { "\\b+a", "a" }, new[] { "^{2}a", "a" }, new[] { "(?=a)*b", "b" }, new[] { "(?=a){0}b", "b" }, new[] { "(^a)+", "aa" },
        new[] { "\\Ga", "a", "ba" },
        new[] { "a.b", "a\nb", "a\rb", "a\u2028b", "a\u0085b", "axb", "a\0b" }, new[] { "(?s)a.b", "a\nb" }, new[] { "a[^x]b", "a\nb" }, new[] { "[\\s\\S]", "\n" }, new[] { "\\n", "\n", "\r" }, new[] { "\\r?\\n", "\r\n" },

        // Quantifiers and braces.
        new[] { "^a{2}b{1,}c{0,2}$", "aabbcc", "aabccc" }, new[] { "a{2,}?", "aaaa" }, new[] { "a{1,3}?", "aaa" }, new[] { "a{0}b", "ab" }, new[] { "a+?", "aaa" }, new[] { "a*?b", "aab" }, new[] { "a??b", "ab" },
        new[] { "a{", "a{" }, new[] { "a{}", "a{}" }, new[] { "a{,3}", "a{,3}", "aaa" }, new[] { "a{1", "a{1" }, new[] { "a{1,", "a{1," }, new[] { "a{x}", "a{x}" }, new[] { "a{ 2}", "a{ 2}", "aa" }, new[] { "a{2 }", "a{2 }" }, new[] { "a{2, 3}", "a{2, 3}" }, new[] { "{", "{" }, new[] { "{x}", "{x}" }, new[] { "}", "}" }, new[] { "]", "]" }, new[] { "a{01}", "a" }, new[] { "a{1,2}{", "a{" }, new[] { "a{2}?", "aaa" }, new[] { "(a*)*", "aa", "b" }, new[] { "(a*)+", "aa", "b" }, new[] { "(a|b)*", "abac" }, new[] { "(a?)*?b", "aab" }, new[] { "(?:a|ab)(?:c|bcd)(?:d*)", "abcd" }, new[] { "(a|ab)(c|bcd)(d*)", "abcd" }, new[] { "(a+|b+)*c", "aabbc" }, new[] { "(?:(a)|b)*", "ab", "ba" }, new[] { "((a)|(b))*", "ab" }, new[] { "(a)|b", "b" }, new[] { "()", "" }, new[] { "(|a)", "a" }, new[] { "(a|)", "a" }, new[] { "|", "a" }, new[] { "a||b", "b" }, new[] { "", "a" }, new[] { "(|a)+", "aa" }, new[] { "(|a)*b", "aab" }, new[] { "(a|)+b", "aab" }, new[] { "x*", "axx" }, new[] { "(?>a+)ab", "aaab" }, new[] { "(?>a|ab)c", "abc", "ac" }, new[] { "a{1000}", "a" }, new[] { "(a{2}){2}", "aaaaa" },

        // Classes of characters.
        new[] { "[a-z-[aeiou]]+", "abcde", "aeiou" }, new[] { "[^a-z-[0-9]]", "aA1", "1a" }, new[] { "[\\w-[\\d_]]+", "1_ab" }, new[] { "[a-z-[d-w-[m]]]+", "dabcm" }, new[] { "[a-z-[A-Z]]", "a" }, new[] { "(?i)[a-z-[x]]", "X", "Y" },
        new[] { "[]a]+", "]a" }, new[] { "[^]a]", "]b" }, new[] { "[[]", "[" }, new[] { "[[a]", "[", "a" }, new[] { "[a[]", "[" }, new[] { "[a&&b]+", "&ab" }, new[] { "[a~~b]", "~" }, new[] { "[a--b]", "-", "b" , "a" }, new[] { "[a-]+", "a-" }, new[] { "[-a]+", "a-" }, new[] { "[\\w-.]+", "a-b.c d" }, new[] { "[\\w-a]", "-" }, new[] { "[a-\\-]", "-" }, new[] { "[a\\-c]+", "a-cb" }, new[] { "[+--]+", "+,-." }, new[] { "[--/]+", "-./0" }, new[] { "[a-c-e]+", "abc-e", "d" }, new[] { "[\\d-x]+", "1-x" }, new[] { "[^\\W\\d]+", "1ab" }, new[] { "[^\\s]+", " ab" }, new[] { "[\\b]", "\b", "b" }, new[] { "[\\]]", "]" }, new[] { "[\\[]", "[" }, new[] { "[.$^*+?(){}|]+", "a.$^*+?(){}|b" }, new[] { "[^^]", "^a" }, new[] { "[a^]+", "^a" }, new[] { "[ ]", " " }, new[] { "[#]", "#" }, new[] { "[[:alpha:]]", "a", ":", "[a", ":]" , "p]" }, new[] { "[[:digit:]]+", "1" , "d]" }, new[] { "[[.a.]]", "a", ".]" }, new[] { "[[=a=]]", "=]" }, new[] { "[a-z&&[^b]]", "b", "&]", "a]" }, new[] { "[\\p{L}-[a-z]]", "aB" }, new[] { "[\\x41-\\x43]", "B" }, new[] { "[\\u0041-C]", "B" }, new[] { "[\\101]", "A" }, new[] { "[\\1]", "\u0001", "1" }, new[] { "[\\cA]", "\u0001" }, new[] { "[\\e\\a\\f\\v\\t\\0]", "\u001b", "\a", "\v", "\0" }, new[] { "[^\\n]", "\n", "a" }, new[] { "[é-ü]", "ö", "O" }, new[] { "[А-Яа-яЁё]+", "Ёлка" }, new[] { "[A-z]", "_", "^" }, new[] { "[ -~]+", "abc ~é" }, new[] { "[$-[b]]", "$", "b" }, new[] { "[a-z-[^m]]", "m", "a" }, new[] { "[^-a]", "-", "b" }, new[] { "[\\D\\d]", "x" }, new[] { "[\\S\\s]", "\n" },
        new[] { "\\w+", "Zoë Łuk_1", "٣", "½", "²", "ª", "Ⅷ", "ⓐ", "e\u0301", "\u0301", "\u0903", "\u20dd", "‿", "_", "-", "\u200d", "\u200c", "한", "ー", "々", "ʼ" },
        new[] { "\\W", "_", "½", "\u0903", "\u200d", "a" }, new[] { "\\d", "7", "٣", "７", "½", "²", "Ⅷ" }, new[] { "\\D", "٣", "x" }, new[] { "\\s", " ", "\u00a0", "\u0085", "\u2003", "\u2028", "\u200b", "\ufeff", "\u180e", "\u3000", "\u001c", "\u001f", "\v", "\f" }, new[] { "\\S", "\u200b", "\u0085" },
        new[] { "a\\bb", "ab" }, new[] { "\\b", "", "a", "-" , "é", "\u0301", "½", "Ⅷ", "\u0903", "ⓐ", "\u20dd", "\u200d", "\u200c", "‿" },

        // Escapes.
        new[] { "\\x41\\u00e9\\t", "Aé\t" }, new[] { "\\e\\a\\f\\v", "\u001b\a\f\v" }, new[] { "\\0", "\0" }, new[] { "\\012", "\n" }, new[] { "\\0123", "\n3" }, new[] { "\\101", "A" }, new[] { "\\400", " ", "Ā", "\0" }, new[] { "\\777", "\u01ff", "ÿ" }, new[] { "\\18", "\u00018" }, new[] { "\\08", "\08" }, new[] { "\\cA", "\u0001" }, new[] { "\\ca", "\u0001" }, new[] { "\\c@", "\0" }, new[] { "\\c[", "\u001b" }, new[] { "\\c_", "\u001f" }, new[] { "\\-\\#\\ \\!\\%\\,\\;\\~\\&\\'\\\"\\`\\@", "-# !%,;~&'\"`@" }, new[] { "\\<a\\>", "<a>" }, new[] { "\\/\\:\\=", "/:=" }, new[] { "\\\u00a7", "§" }, new[] { "\\–", "–" }, new[] { "\\½", "½" }, new[] { "\\²", "²" }, new[] { "\\山", "山" },

        // Groups, their numbers and names.
        new[] { "(?<first>a)(b)(?'second'c)", "abc" }, new[] { "^(?<x>a)(b)\\1\\k<x>\\k'x'$", "abbaa" }, new[] { "(a)\\1", "aa", "ab" }, new[] { "(a)\\11", "aa1", "a\t" }, new[] { "(a)\\12", "a\n" }, new[] { "(a)(b)\\2\\1", "abba" }, new[] { "(a)\\k<1>", "aa" }, new[] { "(a)\\k'1'", "aa" }, new[] { "(a)|\\1b", "b" }, new[] { "(a)?\\1b", "b", "aab" }, new[] { "\\1(a)", "aa", "a" }, new[] { "(\\1a|b)+", "ba" }, new[] { "(?i)(a)\\1", "aA" }, new[] { "(?<1>a)\\1", "aa" }, new[] { "(?<3>a)(b)(c)", "abc" }, new[] { "(?<2>a)(b)", "ab" }, new[] { "(?<x>a)|(?<x>b)", "b", "a" }, new[] { "(?<x>a)(?<x>b)\\k<x>", "abb" }, new[] { "(?<_a1>x)", "x" }, new[] { "(?<é>x)", "x" }, new[] { "(?<x>a)(?<X>b)", "ab" }, new[] { "(?<x>a)\\<x>", "aa" }, new[] { "(?<x>a)\\'x'", "aa" }, new[] { "(?:a)(b)", "ab" }, new[] { "(?n)(a)(?<x>b)", "ab" }, new[] { "(?n:(a))(b)", "ab" }, new[] { "(?-n)(a)", "a" }, new[] { "((a)(b))", "ab" }, new[] { "(a)(?<x>(b)c)(d)", "abcd" }, new[] { "(?#a comment)b", "b" }, new[] { "a(?#x)*", "aa" }, new[] { "(a)(?#))", "a" , "a)" },
        new[] { "(?(1)a|b)", "a", "b" }, new[] { "(x)?(?(1)a|b)", "xa", "b", "xb" }, new[] { "(?<q>x)?(?(q)a|b)", "xa", "b" }, new[] { "(?(a)ab|c)", "ab", "c" }, new[] { "(?(?=a)ab|c)", "ab" }, new[] { "(?<open>\\()+(?<-open>\\))+(?(open)(?!))$", "(())", "(()" }, new[] { "(?<a>x)(?<b-a>y)", "xy" },

        // Options.
        new[] { "(?i)SALES", "sales" }, new[] { "a(?i)b|c", "C", "aB", "AB" }, new[] { "(?i:a)b", "Ab", "AB" }, new[] { "((?i)a)b", "Ab", "AB" }, new[] { "(?i)a(?-i)b", "Ab", "AB" }, new[] { "(?i)É", "é" }, new[] { "(?i)[a-c]", "B" }, new[] { "(?i)\\x41", "a" }, new[] { "(?im)^a", "b\nA" }, new[] { "(?i-m)a", "A" }, new[] { "(?s-i)a.", "a\n" }, new[] { "(?x) a b # the rest\n c", "abc", "a b" }, new[] { "(?x)a\\ b[ ]c", "a b c" }, new[] { "(?x)a #b", "a" }, new[] { "(?x)a +", "aa" }, new[] { "(?x)a {2}", "aa" }, new[] { "(?x)a\\#b", "a#b" }, new[] { "(?x)[#]", "#" }, new[] { "(?x: a ) b", "a b" }, new[] { "(?x)( ?:a)", "a" }, new[] { "(?x)\\ ", " " }, new[] { "(?x)a\u00a0b", "ab", "a\u00a0b" }, new[] { "(?i)(?:)", "a" }, new[] { "(?)", "a" }, new[] { "(?-)", "a" }, new[] { "(?i-)a", "A" }, new[] { "(?:)", "" }, new[] { "a(?i)", "a" }, new[] { "(?i)*a", "a" }, new[] { "(?i)ß", "SS", "ẞ" }, new[] { "(?i)straße", "STRASSE", "STRAßE" }, new[] { "(?i)i", "İ", "ı", "I" }, new[] { "(?i)\\p{Lu}", "a" }, new[] { "(?i)[^a]", "A", "b" }, new[] { "(?i)[k-k]", "\u212a" }, new[] { "(?i)\\w", "é" },

        // Looking around.
        new[] { "(?<=a+)b", "aab" }, new[] { "(?<=a.*)b", "axxb" }, new[] { "(?<=^|,)x", "x", "a,x" }, new[] { "(?<=(a)(b))c", "abc" }, new[] { "(?<!a|bb)c", "bc", "bbc" }, new[] { "(?<=\\d{3})x", "123x" }, new[] { "(?<=a*)b", "b" }, new[] { "(?<=\\bfoo)x", "foox", "afoox" }, new[] { "(?=(a+))a*b\\1", "baaabac" }, new[] { "a(?=b)", "ab", "ac" }, new[] { "a(?!b)", "ab", "ac" }, new[] { "(?=a)", "ba" }, new[] { "(?<=(?<x>a))b", "ab" }, new[] { "(?<=\\1(a))b", "aab" }, new[] { "(?!)", "a" }, new[] { "(?=)", "a" }, new[] { "(?<=)", "a" }, new[] { "(?<!)", "a" },

        // Beyond U+FFFF, where .NET counts halves.
        new[] { "^.$", "😀" }, new[] { "^..$", "😀" }, new[] { "😀", "a😀b" }, new[] { "😀+", "😀😀" }, new[] { "[😀]", "😀" }, new[] { "^\\W+$", "😀" }, new[] { "\\w", "𐐀", "𠮷" }, new[] { "\\p{Cs}", "😀" }, new[] { "(?i)𐐀", "𐐨" }, new[] { "a.b", "a😀b" }, new[] { "a.+b", "a😀b" }, new[] { "[^a]+", "😀" }, new[] { "\\ud83d\\ude00", "😀" },
    };

    // What .NET refuses, or is thought to.
    public static readonly string[] Refused = {
        "(", "(a", ")", "a)", "[", "[a", "[]", "[^]", "[^", "*a", "+", "?", "a|*", "(*)", "a**", "a+*", "a++", "a?+", "a*+", "a{2}{3}", "a{2}+", "a{2}*", "a{3,2}", "{1}", "{1,2}a", "a{2147483647}", "a{2147483648}", "a{99999999999}", "a???", "a+??",
        "\\", "a\\", "[\\", "[a\\", "\\x", "\\x4", "\\xg1", "\\u", "\\u12", "\\c", "\\c1", "\\cé", "[z-a]", "[a-\\d]", "[\\d-a]", "[a-[b]c]", "[a-[b]", "[a-\\p{L}]", "[b-a-[c]]", "\\p", "\\p{", "\\p{}", "\\pL", "\\p{Foo}", "\\p{Greek}", "\\p{IsFoo}", "\\p{Letter}", "\\p{^L}", "\\p{lu}", "\\p{L&}", "\\p{sc=Greek}", "\\p{Lu}", "\\p{ L}", "\\p{L", "[\\p{L]",
        "(?", "(?<", "(?<a", "(?<a>", "(?<>a)", "(?<1a>b)", "(?<a b>c)", "(?<a!>c)", "(?'a>b)", "(?<a'b)", "(?P<a>b)", "(?P=a)", "(?P>a)", "(?&a)", "(?R)", "(?1)", "(?|a|b)", "(?+a)", "(?@a)", "(?~a)", "(?*a)", "(*PRUNE)", "(?a)", "(?u)a", "(?U)a", "(?J)a", "(?r)a", "(?R)a", "(?e)a", "(?c)a", "(?in)a", "(?i", "(?i:", "(?iz)a", "(?z:a)", "(?#a", "(?=a", "(?<=a", "(?<a-b>c)", "(?<-b>c)", "(?<0>a)", "(?<00>a)", "(?<-0>a)", "(?(1)a|b)", "(?(2)a|b)", "(?(q)a|b|c)", "(?(1)a|b|c)", "(?(x", "(?()a|b)", "(?(1a)a|b)", "(?<99999999999>a)",
        "\\1", "(a)\\2", "\\8", "\\9", "\\10", "(a)\\8", "(a)\\18", "\\k", "\\k<", "\\k<a", "\\k<a>", "\\k<>", "\\k{a}(?<a>b)", "\\ka", "\\k<1>", "\\k'a'", "\\<a>", "\\g1", "\\g{1}", "\\Q.\\E", "\\h", "\\H", "\\R", "\\K", "\\X", "\\N", "\\N{SPACE}", "\\i", "\\j", "\\l", "\\L", "\\m", "\\o", "\\q", "\\y", "\\Y", "\\z", "\\Z", "\\_", "\\é", "\\ß", "\\ä", "\\ж", "\\C", "\\F", "\\I", "\\U0001F600", "\\x{41}", "\\u{41}", "\\o{101}", "[\\y]", "[\\_]", "[\\é]", "[\\Z]", "[\\A]", "[\\B]", "[\\G]", "[\\k]", "[\\8]", "[\\c1]",
        "(a", "a(b(c)", "((a)", "(a))", "[[a]]", "[a]]", "a{1}}", "x{2}{", "(?:a", "(?>a", "(?i)(?-i", "(?x)(a#)", "(?x)(a#)\n)", "(?n)(a)\\1", "(?<a>b)\\k<A>", "(?<a>b)\\k<a", "(?<a>b)\\k'a>",
    };

    public static readonly string[] Classes = {
        "\\w", "\\W", "\\d", "\\D", "\\s", "\\S", "\\p{L}", "\\p{Lu}", "\\p{Ll}", "\\p{Lt}", "\\p{Lm}", "\\p{Lo}", "\\p{M}", "\\p{Mn}", "\\p{Mc}", "\\p{Me}", "\\p{N}", "\\p{Nd}", "\\p{Nl}", "\\p{No}", "\\p{P}", "\\p{Pc}", "\\p{Pd}", "\\p{Ps}", "\\p{Pe}", "\\p{Pi}", "\\p{Pf}", "\\p{Po}", "\\p{S}", "\\p{Sm}", "\\p{Sc}", "\\p{Sk}", "\\p{So}", "\\p{Z}", "\\p{Zs}", "\\p{Zl}", "\\p{Zp}", "\\p{C}", "\\p{Cc}", "\\p{Cf}", "\\p{Co}", "\\p{Cn}", "\\P{L}",
    };

    // Blocks by name, from and to.
    public static readonly string[] Blocks = {
        "IsBasicLatin 0000 007F", "IsLatin-1Supplement 0080 00FF", "IsLatinExtended-A 0100 017F", "IsLatinExtended-B 0180 024F", "IsIPAExtensions 0250 02AF", "IsSpacingModifierLetters 02B0 02FF",
        "IsCombiningDiacriticalMarks 0300 036F", "IsGreek 0370 03FF", "IsGreekandCoptic 0370 03FF", "IsCyrillic 0400 04FF", "IsCyrillicSupplement 0500 052F", "IsArmenian 0530 058F",
        "IsHebrew 0590 05FF", "IsArabic 0600 06FF", "IsSyriac 0700 074F", "IsThaana 0780 07BF", "IsDevanagari 0900 097F", "IsBengali 0980 09FF",
        "IsGurmukhi 0A00 0A7F", "IsGujarati 0A80 0AFF", "IsOriya 0B00 0B7F", "IsTamil 0B80 0BFF", "IsTelugu 0C00 0C7F", "IsKannada 0C80 0CFF",
        "IsMalayalam 0D00 0D7F", "IsSinhala 0D80 0DFF", "IsThai 0E00 0E7F", "IsLao 0E80 0EFF", "IsTibetan 0F00 0FFF", "IsMyanmar 1000 109F",
        "IsGeorgian 10A0 10FF", "IsHangulJamo 1100 11FF", "IsEthiopic 1200 137F", "IsCherokee 13A0 13FF", "IsUnifiedCanadianAboriginalSyllabics 1400 167F", "IsOgham 1680 169F",
        "IsRunic 16A0 16FF", "IsTagalog 1700 171F", "IsHanunoo 1720 173F", "IsBuhid 1740 175F", "IsTagbanwa 1760 177F", "IsKhmer 1780 17FF",
        "IsMongolian 1800 18AF", "IsLimbu 1900 194F", "IsTaiLe 1950 197F", "IsKhmerSymbols 19E0 19FF", "IsPhoneticExtensions 1D00 1D7F", "IsLatinExtendedAdditional 1E00 1EFF",
        "IsGreekExtended 1F00 1FFF", "IsGeneralPunctuation 2000 206F", "IsSuperscriptsandSubscripts 2070 209F", "IsCurrencySymbols 20A0 20CF", "IsCombiningDiacriticalMarksforSymbols 20D0 20FF", "IsCombiningMarksforSymbols 20D0 20FF",
        "IsLetterlikeSymbols 2100 214F", "IsNumberForms 2150 218F", "IsArrows 2190 21FF", "IsMathematicalOperators 2200 22FF", "IsMiscellaneousTechnical 2300 23FF", "IsControlPictures 2400 243F",
        "IsOpticalCharacterRecognition 2440 245F", "IsEnclosedAlphanumerics 2460 24FF", "IsBoxDrawing 2500 257F", "IsBlockElements 2580 259F", "IsGeometricShapes 25A0 25FF", "IsMiscellaneousSymbols 2600 26FF",
        "IsDingbats 2700 27BF", "IsMiscellaneousMathematicalSymbols-A 27C0 27EF", "IsSupplementalArrows-A 27F0 27FF", "IsBraillePatterns 2800 28FF", "IsSupplementalArrows-B 2900 297F", "IsMiscellaneousMathematicalSymbols-B 2980 29FF",
        "IsSupplementalMathematicalOperators 2A00 2AFF", "IsMiscellaneousSymbolsandArrows 2B00 2BFF", "IsCJKRadicalsSupplement 2E80 2EFF", "IsKangxiRadicals 2F00 2FDF", "IsIdeographicDescriptionCharacters 2FF0 2FFF", "IsCJKSymbolsandPunctuation 3000 303F",
        "IsHiragana 3040 309F", "IsKatakana 30A0 30FF", "IsBopomofo 3100 312F", "IsHangulCompatibilityJamo 3130 318F", "IsKanbun 3190 319F", "IsBopomofoExtended 31A0 31BF",
        "IsKatakanaPhoneticExtensions 31F0 31FF", "IsEnclosedCJKLettersandMonths 3200 32FF", "IsCJKCompatibility 3300 33FF", "IsCJKUnifiedIdeographsExtensionA 3400 4DBF", "IsYijingHexagramSymbols 4DC0 4DFF", "IsCJKUnifiedIdeographs 4E00 9FFF",
        "IsYiSyllables A000 A48F", "IsYiRadicals A490 A4CF", "IsCJKCompatibilityIdeographs F900 FAFF", "IsAlphabeticPresentationForms FB00 FB4F", "IsArabicPresentationForms-A FB50 FDFF", "IsVariationSelectors FE00 FE0F",
        "IsCombiningHalfMarks FE20 FE2F", "IsCJKCompatibilityForms FE30 FE4F", "IsSmallFormVariants FE50 FE6F", "IsArabicPresentationForms-B FE70 FEFF", "IsHalfwidthandFullwidthForms FF00 FFEF", "IsSpecials FFF0 FFFF",
    };

    // A pattern, what is put in its place, then the texts.
    public static readonly string[][] Replacements = {
        new[] { "\\+(?<isdCode>\\d* )(?<phoneNumber>\\d{10})", "${phoneNumber}", "+91 9998887777", "+91 8887779999 or +1 2223334444" },
        new[] { "([\\/\\\\\\[\\]\\:\\;\\|\\=\\,\\+\\*\\?\\<\\>])", "", "a/b\\c[d]e:f;g|h=i,j+k*l?m<n>o" },
        new[] { "(\\.)*$", "", "john..", "j.ohn", "" }, new[] { "[a-zA-Z_]*", "", "john_doe72", "72", "a1b2" }, new[] { "[()\\s-]+", "", "+1 (999) 888-7777" }, new[] { "\\s+", " ", " a  b\t\nc ", "" }, new[] { "^0+", "", "00042", "000" }, new[] { "(?<Suffix>@(.)*)", "", "john@contoso.com", "john" },
        new[] { "(\\w+) (\\w+)", "$2, $1", "John Doe", "John Doe Jane Roe" }, new[] { "(b)(c)", "[$2$1|$0|$&|$`|$'|$+|$_|$$|$|$x|$9|${no}]", "abcd" },
        new[] { "(a)", "$1", "a" }, new[] { "(a)", "$10", "a" }, new[] { "(a)", "${1}0", "a" }, new[] { "(a)", "$01", "a" }, new[] { "(a)", "$001", "a" }, new[] { "(a)", "${01}", "a" }, new[] { "(a)", "$0", "ba" }, new[] { "(a)", "${0}", "a" }, new[] { "(a)", "$2", "a" }, new[] { "(a)", "${2}", "a" }, new[] { "(a)", "$99999999999", "a" }, new[] { "(a)", "$1$", "a" }, new[] { "(a)", "$", "a" }, new[] { "(a)", "$$", "a" }, new[] { "(a)", "$$$", "a" }, new[] { "(a)", "$$1", "a" }, new[] { "(a)", "$$$1", "a" }, new[] { "(a)", "${", "a" }, new[] { "(a)", "${}", "a" }, new[] { "(a)", "${1", "a" }, new[] { "(a)", "${1 }", "a" }, new[] { "(a)", "${ 1}", "a" }, new[] { "(a)", "$ 1", "a" }, new[] { "(a)", "\\1", "a" }, new[] { "(a)", "\\$1", "a" }, new[] { "(a)", "\\n", "a" }, new[] { "(a)", "$a", "a" }, new[] { "(a)", "$-", "a" }, new[] { "(a)", "$(1)", "a" }, new[] { "(a)", "$<1>", "a" }, new[] { "(a)", "{1}", "a" }, new[] { "(a)", "$1a", "a" }, new[] { "(a)", "$1_", "a" }, new[] { "(a)", "$1$1", "aa" }, new[] { "(a)", "é$1😀", "a" }, new[] { "(a)", "%1$s", "a" }, new[] { "(a)", "costs $5", "a" }, new[] { "(a)", "US$", "a" },
        new[] { "(?<x>a)", "${x}", "a" }, new[] { "(?<x>a)", "$x", "a" }, new[] { "(?<x>a)", "${X}", "a" }, new[] { "(?<x>a)", "${1}", "a" }, new[] { "(?<x>a)", "$1", "a" }, new[] { "(?<x>a)(b)", "$1$2", "ab" }, new[] { "(?<x>a)(b)", "${x}-$1", "ab" }, new[] { "(b)(?<x>a)", "$1$2", "ba" }, new[] { "(?<x1>a)", "${x1}", "a" }, new[] { "(?<x>a)", "${x!}", "a" }, new[] { "(?<x>a)", "${x y}", "a" }, new[] { "(?<3>a)", "$3$1", "a" }, new[] { "(?n)(a)", "$1", "a" },
        new[] { "(x)?b", "<$1>", "ab", "axb" }, new[] { "(a)(b)?", "$+", "ab", "a" }, new[] { "a", "$+", "a" }, new[] { "(a)|(b)", "$+", "ab" }, new[] { "(?<x>a)(b)", "$+", "ab" }, new[] { "b", "$`", "abc", "abbc" }, new[] { "b", "$'", "abc", "abbc" }, new[] { "b", "$_", "abc" }, new[] { "b", "$&$&", "abc" },
        new[] { ".*", "x", "abc", "", "a\nb" }, new[] { "a*", "x", "baac", "", "a" }, new[] { "a*?", "x", "baac" }, new[] { "", "-", "abc", "ž", "" }, new[] { "$", "!", "a", "a\n", "" }, new[] { "(?m)$", "!", "a\nb" }, new[] { "^", "!", "a\nb" }, new[] { "(?m)^", "!", "a\nb" }, new[] { "\\b", "|", "ab cd", "é-x" }, new[] { "(?=b)", "-", "abab" }, new[] { "(?<=a)", "-", "abab" }, new[] { "(?<!a)b", "-", "abbb" }, new[] { "(?i)ANNA", "x", "anna Anna" }, new[] { "aa", "b", "aaaaa" }, new[] { "a|ab", "x", "abab" }, new[] { "(\\w)(\\w*)", "$2$1", "anna bob" }, new[] { "[^a-z0-9]", "", "Anna-Maria O'Neil 3" }, new[] { "[^\\w]", "", "Zoë O'Neil_3 😀" }, new[] { ".", "x", "a😀" }, new[] { "[^a]", "", "a😀b" }, new[] { "(?<a>.)(?<b>.)", "${b}${a}", "abcd" }, new[] { "(.)\\1", "$1", "aabbcd" }, new[] { "(?<y>\\d{4})-(?<m>\\d\\d)-(?<d>\\d\\d)", "${d}.${m}.${y}", "2024-02-29" }, new[] { "x", "y", "abc" },
    };
}
