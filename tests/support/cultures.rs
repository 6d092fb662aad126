//! The sites of Contoso, and names as people there write them, each with how a mail address spells it.

/// A site and its people.
pub(crate) struct Culture {
    /// ISO 3166-1; what some offices write instead.
    pub(crate) country: &'static [&'static str],
    pub(crate) language: &'static str,
    pub(crate) company: &'static str,
    pub(crate) city: &'static str,
    pub(crate) zip: &'static str,
    pub(crate) street: &'static str,
    pub(crate) phone: &'static str,
    /// Whether the family name is said first.
    pub(crate) family_first: bool,
    /// (as written, in ASCII)
    pub(crate) given: &'static [(&'static str, &'static str)],
    pub(crate) family: &'static [(&'static str, &'static str)],
}

macro_rules! cultures {
    ($($country:expr, $language:literal, $company:literal, $city:literal, $zip:literal, $street:literal, $phone:literal,
       $family_first:literal; [$(($given:literal, $given_ascii:literal)),+], [$(($family:literal, $family_ascii:literal)),+];)+) => {
        pub(crate) const CULTURES: &[Culture] = &[$(Culture {
            country: &$country, language: $language, company: $company, city: $city, zip: $zip, street: $street,
            phone: $phone, family_first: $family_first,
            given: &[$(($given, $given_ascii)),+], family: &[$(($family, $family_ascii)),+],
        }),+];
    };
}

cultures! {
    ["DE", "DE", "DE", "Deutschland"], "de-DE", "Contoso GmbH", "München", "80331", "Sendlinger Straße", "+49 89 555", false;
        [("Anna", "anna"), ("Jürgen", "juergen"), ("Ulrike", "ulrike"), ("Jörg", "joerg"), ("Käthe", "kaethe"), ("Anne-Marie", "anne-marie"), ("Max", "max"), ("Björn", "bjoern")],
        [("Müller", "mueller"), ("Groß", "gross"), ("Weiß", "weiss"), ("Schröder", "schroeder"), ("von der Heide", "vonderheide"), ("Özdemir", "oezdemir"), ("Bauer", "bauer"), ("Köhler-Lang", "koehler-lang")];
    ["GB", "GB", "UK", "United Kingdom"], "en-GB", "Contoso Ltd", "London", "EC1A 1BB", "Aldersgate Street", "+44 20 7946", false;
        [("Siobhán", "siobhan"), ("Oliver", "oliver"), ("Zoë", "zoe"), ("Harriet", "harriet"), ("Callum", "callum"), ("Grace", "grace"), ("Renée", "renee"), ("Mohammed", "mohammed")],
        [("O'Brien", "obrien"), ("Smith", "smith"), ("MacDonald", "macdonald"), ("Brontë", "bronte"), ("Smith-Jones", "smith-jones"), ("D'Arcy", "darcy"), ("Patel", "patel"), ("Okafor", "okafor")];
    ["US", "US", "USA"], "en-US", "Contoso Inc.", "Seattle", "98101", "Pike Street", "+1 206 555", false;
        [("Emily", "emily"), ("José", "jose"), ("LaToya", "latoya"), ("Tyler", "tyler"), ("Nevaeh", "nevaeh"), ("Chloé", "chloe"), ("Beyoncé", "beyonce"), ("J.D.", "jd")],
        [("Johnson", "johnson"), ("García", "garcia"), ("Nuñez", "nunez"), ("van Dyke", "vandyke"), ("Washington", "washington"), ("Kealoha", "kealoha"), ("Lee", "lee"), ("St. John", "stjohn")];
    ["FR"], "fr-FR", "Contoso SAS", "Paris", "75001", "Rue de l'Échelle", "+33 1 5555", false;
        [("Éloïse", "eloise"), ("François", "francois"), ("Hélène", "helene"), ("Jean-Noël", "jean-noel"), ("Maëlys", "maelys"), ("Gaëtan", "gaetan"), ("Zacharie", "zacharie"), ("Anaïs", "anais")],
        [("Lefèvre", "lefevre"), ("d'Estaing", "destaing"), ("Dûpré", "dupre"), ("L'Hôpital", "lhopital"), ("Bénichou", "benichou"), ("Le Gall", "legall"), ("Œuvrard", "oeuvrard"), ("Ça", "ca")];
    ["ES"], "es-ES", "Contoso SA", "Málaga", "29005", "Calle Nueva", "+34 952 55", false;
        [("María José", "mariajose"), ("Iñaki", "inaki"), ("Begoña", "begona"), ("Ángel", "angel"), ("Lucía", "lucia"), ("Ramón", "ramon"), ("Aitor", "aitor"), ("Nerea", "nerea")],
        [("Muñoz Pérez", "munozperez"), ("de la Fuente", "delafuente"), ("Ibáñez", "ibanez"), ("Güell", "guell"), ("Peña", "pena"), ("Sáenz", "saenz"), ("Núñez", "nunez"), ("Castro", "castro")];
    ["PL"], "pl-PL", "Contoso Sp. z o.o.", "Łódź", "90-001", "ulica Piotrkowska", "+48 42 555", false;
        [("Łukasz", "lukasz"), ("Małgorzata", "malgorzata"), ("Zbigniew", "zbigniew"), ("Żaneta", "zaneta"), ("Paweł", "pawel"), ("Agnieszka", "agnieszka"), ("Święcisław", "swiecislaw"), ("Ewa", "ewa")],
        [("Wójcik", "wojcik"), ("Dąbrowski", "dabrowski"), ("Źrebiec", "zrebiec"), ("Kowalczyk", "kowalczyk"), ("Szczęsny", "szczesny"), ("Gołąb", "golab"), ("Nowak", "nowak"), ("Śliwa", "sliwa")];
    ["CZ"], "cs-CZ", "Contoso s.r.o.", "Praha", "110 00", "Dlouhá", "+420 222 55", false;
        [("Tomáš", "tomas"), ("Jiřina", "jirina"), ("Ondřej", "ondrej"), ("Žofie", "zofie"), ("Václav", "vaclav"), ("Běla", "bela")],
        [("Novák", "novak"), ("Dvořáková", "dvorakova"), ("Černý", "cerny"), ("Růžičková", "ruzickova"), ("Hájek", "hajek"), ("Šťastný", "stastny")];
    ["TR"], "tr-TR", "Contoso A.Ş.", "İstanbul", "34000", "İstiklal Caddesi", "+90 212 555", false;
        [("Çağla", "cagla"), ("Işıl", "isil"), ("Gökhan", "gokhan"), ("İlker", "ilker"), ("Şule", "sule"), ("Ümit", "umit")],
        [("Yılmaz", "yilmaz"), ("Şahin", "sahin"), ("Öztürk", "ozturk"), ("Doğan", "dogan"), ("İnce", "ince"), ("Çelik", "celik")];
    ["SE"], "sv-SE", "Contoso AB", "Göteborg", "411 03", "Östra Hamngatan", "+46 31 555", false;
        [("Åsa", "asa"), ("Björn", "bjorn"), ("Søren", "soren"), ("Märta", "marta"), ("Þóra", "thora"), ("Göran", "goran")],
        [("Ångström", "angstrom"), ("Sjöberg", "sjoberg"), ("Østergård", "ostergard"), ("Jónsdóttir", "jonsdottir"), ("Ek", "ek"), ("Wallén", "wallen")];
    ["HU"], "hu-HU", "Contoso Kft.", "Győr", "9021", "Baross Gábor út", "+36 96 555", true;
        [("Győző", "gyozo"), ("Ágnes", "agnes"), ("Őrs", "ors"), ("Zsófia", "zsofia"), ("Béla", "bela"), ("Tünde", "tunde")],
        [("Szűcs", "szucs"), ("Kovács", "kovacs"), ("Fülöp", "fulop"), ("Győri", "gyori"), ("Tóth", "toth"), ("Erdős", "erdos")];
    ["BG"], "bg-BG", "Контосо ЕООД", "София", "1000", "булевард Витоша", "+359 2 555", false;
        [("Ивайло", "ivaylo"), ("Цветелина", "tsvetelina"), ("Георги", "georgi"), ("Юлия", "yuliya"), ("Щерьо", "shteryo"), ("Мария", "mariya")],
        [("Димитров", "dimitrov"), ("Жечева", "zhecheva"), ("Христов", "hristov"), ("Ангелова", "angelova"), ("Чавдаров", "chavdarov"), ("Петкова", "petkova")];
    ["UA"], "uk-UA", "ТОВ Контосо", "Київ", "01001", "вулиця Хрещатик", "+380 44 555", false;
        [("Олексій", "oleksii"), ("Ґалаґан", "galagan"), ("Їжакевич", "yizhakevych"), ("Соломія", "solomiia"), ("Єва", "yeva"), ("Мар'яна", "mariana")],
        [("Шевченко", "shevchenko"), ("Гнатюк", "hnatiuk"), ("Щербина", "shcherbyna"), ("Ющенко", "yushchenko"), ("Їздрик", "yizdryk"), ("Коваль", "koval")];
    ["GR", "GR", "EL"], "el-GR", "Κοντόσο ΑΕ", "Αθήνα", "105 57", "Οδός Ερμού", "+30 21 0555", false;
        [("Αθηνά", "athina"), ("Γιώργος", "giorgos"), ("Ειρήνη", "eirini"), ("Λεωνίδας", "leonidas"), ("Ζωή", "zoi"), ("Μαΐα", "maia")],
        [("Παπαδόπουλος", "papadopoulos"), ("Χατζής", "chatzis"), ("Ψαρράς", "psarras"), ("Ωραιοπούλου", "oraiopoulou"), ("Ξένος", "xenos"), ("Βλάχου", "vlachou")];
    ["EG"], "ar-EG", "كونتوسو ش.م.م", "القاهرة", "11511", "شارع طلعت حرب", "+20 2 2555", false;
        [("فاطمة", "fatima"), ("محمد", "mohamed"), ("نور", "nour"), ("ياسمين", "yasmin"), ("عبد الرحمن", "abdelrahman"), ("مَريَم", "mariam")],
        [("حسن", "hassan"), ("المصري", "elmasry"), ("عبد الله", "abdallah"), ("النجار", "elnaggar"), ("منصور", "mansour"), ("خليل", "khalil")];
    ["IL"], "he-IL", "קונטוסו בע״מ", "תל אביב", "6100000", "רחוב דיזנגוף", "+972 3 555", false;
        [("נועה", "noa"), ("דוד", "david"), ("תמר", "tamar"), ("איתי", "itai"), ("שָׂרָה", "sarah"), ("יעל", "yael")],
        [("כהן", "cohen"), ("לוי", "levi"), ("בן־דוד", "bendavid"), ("מזרחי", "mizrahi"), ("פרץ", "peretz"), ("שפירא", "shapira")];
    ["CN"], "zh-CN", "康托索有限公司", "上海", "200000", "南京东路", "+86 21 5555", true;
        [("伟", "wei"), ("秀英", "xiuying"), ("娜", "na"), ("建国", "jianguo"), ("子涵", "zihan"), ("雨桐", "yutong")],
        [("王", "wang"), ("李", "li"), ("张", "zhang"), ("欧阳", "ouyang"), ("陈", "chen"), ("吕", "lyu")];
    ["JP"], "ja-JP", "コントソ株式会社", "東京", "100-0001", "千代田区千代田", "+81 3 5555", true;
        [("翔太", "shota"), ("さくら", "sakura"), ("美咲", "misaki"), ("ケンジ", "kenji"), ("陽子", "yoko"), ("蓮", "ren")],
        [("田中", "tanaka"), ("𠮷田", "yoshida"), ("髙橋", "takahashi"), ("渡邉", "watanabe"), ("佐々木", "sasaki"), ("鈴木", "suzuki")];
    ["KR"], "ko-KR", "주식회사 콘토소", "서울", "04524", "세종대로", "+82 2 555", true;
        [("민준", "minjun"), ("서연", "seoyeon"), ("지훈", "jihoon"), ("하은", "haeun"), ("영수", "youngsoo"), ("지우", "jiwoo")],
        [("김", "kim"), ("이", "lee"), ("박", "park"), ("최", "choi"), ("남궁", "namgung"), ("정", "jung")];
    ["IN"], "hi-IN", "कॉन्टोसो प्राइवेट लिमिटेड", "पुणे", "411001", "महात्मा गांधी मार्ग", "+91 20 5555", false;
        [("प्रिया", "priya"), ("अर्जुन", "arjun"), ("लक्ष्मी", "lakshmi"), ("विक्रम", "vikram"), ("श्रुति", "shruti"), ("कृष्ण", "krishna")],
        [("शर्मा", "sharma"), ("सिंह", "singh"), ("देशपांडे", "deshpande"), ("कुलकर्णी", "kulkarni"), ("गुप्ता", "gupta"), ("ज्ञानेश्वर", "dnyaneshwar")];
    ["VN"], "vi-VN", "Công ty TNHH Contoso", "Hà Nội", "100000", "Phố Tràng Tiền", "+84 24 5555", true;
        [("Thị Hương", "thihuong"), ("Văn Đức", "vanduc"), ("Quỳnh", "quynh"), ("Tuấn", "tuan"), ("Phượng", "phuong"), ("Việt", "viet")],
        [("Nguyễn", "nguyen"), ("Trần", "tran"), ("Đặng", "dang"), ("Lê", "le"), ("Phạm", "pham"), ("Ngô", "ngo")];
    ["TH"], "th-TH", "บริษัท คอนโตโซ จำกัด", "กรุงเทพมหานคร", "10500", "ถนนสีลม", "+66 2 555", false;
        [("สมชาย", "somchai"), ("กัญญา", "kanya"), ("ณัฐวุฒิ", "natthawut"), ("ปิยะ", "piya")],
        [("ศรีสุข", "srisuk"), ("วงศ์สวัสดิ์", "wongsawat"), ("แก้วใส", "kaewsai"), ("ทองดี", "thongdee")];
    ["GE"], "ka-GE", "შპს კონტოსო", "თბილისი", "0105", "რუსთაველის გამზირი", "+995 32 255", false;
        [("ნინო", "nino"), ("გიორგი", "giorgi"), ("თამარ", "tamar"), ("ლევან", "levan")],
        [("ბერიძე", "beridze"), ("კაპანაძე", "kapanadze"), ("ჯავახიშვილი", "javakhishvili"), ("წერეთელი", "tsereteli")];
}
