//! Exports of any size with invented people, the same for the same seed.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// The columns of an export, in their order.
pub(crate) const HEADER: &str = "WorkerID,UserID,FirstName,MiddleName,LastName,FullName,Status,WorkerType,JobTitle,Department,\
Division,Company,CostCenter,ManagerID,Email,OfficePhone,MobilePhone,Street,City,ZipCode,Country,Language,Building,HireDate";

/// Numbers that look like chance and repeat (SplitMix64, Steele et al. 2014).
#[derive(Debug, Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn roll(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, not including, `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        ((u128::from(self.roll()) * u128::from(end.max(1))) >> 64) as u64
    }

    pub(crate) fn pick<'a, T: ?Sized>(&mut self, among: &[&'a T]) -> &'a T {
        among[self.below(among.len() as u64) as usize]
    }

    pub(crate) fn chance(&mut self, percent: u64) -> bool {
        self.below(100) < percent
    }
}

const FIRST: [&str; 20] = [
    "Anna",
    "Jürgen",
    "María",
    "Luca",
    "Zoë",
    "Piotr",
    "Ингрид",
    "Søren",
    "Chloé",
    "Emre",
    "Fatima",
    "Ivan",
    "Noor",
    "Oskar",
    "Priya",
    "Quentin",
    "Rosa",
    "Tomáš",
    "Ulrike",
    "Yuki",
];
const LAST: [&str; 20] = [
    "Müller",
    "García",
    "Novák",
    "Smith",
    "Jensen",
    "Yılmaz",
    "Kowalski",
    "Rossi",
    "O'Brien",
    "van der Berg",
    "Tanaka",
    "Singh",
    "Dubois",
    "Horvat",
    "Nilsson",
    "Costa",
    "Weber",
    "Popescu",
    "Bauer",
    "Nguyễn",
];
const TITLES: [&str; 8] =
    ["Engineer", "Accountant", "Nurse", "Buyer", "Team Lead", "Analyst", "Technician", "Sales Manager"];
const DEPARTMENTS: [&str; 8] =
    ["Finance", "Engineering", "Sales", "Human Resources", "Legal", "Logistics", "Research", "Support"];
const CITIES: [(&str, &str, &str, &str); 6] = [
    ("München", "80331", "DE", "de-DE"),
    ("London", "EC1A 1BB", "GB", "en-GB"),
    ("Madrid", "28001", "ES", "es-ES"),
    ("Seattle", "98101", "US", "en-US"),
    ("Paris", "75001", "FR", "fr-FR"),
    ("Praha", "11000", "CZ", "cs-CZ"),
];

/// The first anchor; all have seven digits up to nine million people.
const ANCHOR_FIRST: u64 = 1_000_000;

/// Writes an export of `rows` people: 24 columns, some 220 bytes a row.
///
/// Their numbers rise from row to row, or come in an order that only the seed knows.
pub(crate) fn write_export(path: &Path, rows: u64, seed: u64, anchors_in_random_order: bool) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 20, File::create(path)?);
    writeln!(out, "{HEADER}")?;
    let mut dice = Dice::new(seed);
    let stride = if anchors_in_random_order { coprime_stride(rows, seed) } else { 1 };
    let mut number = 0;
    for _ in 0..rows {
        write_person(&mut out, number, rows, &mut dice)?;
        number = (number + stride) % rows.max(1);
    }
    out.flush()
}

/// A step that visits each of `rows` numbers once before it returns.
fn coprime_stride(rows: u64, seed: u64) -> u64 {
    let divisor = |mut left: u64, mut right: u64| {
        while right != 0 {
            (left, right) = (right, left % right);
        }
        left
    };
    let golden = (rows as f64 * 0.618) as u64 + seed % 97;
    (golden.max(1)..).find(|stride| divisor(*stride, rows.max(1)) == 1).unwrap_or(1)
}

fn write_person(out: &mut impl Write, number: u64, rows: u64, dice: &mut Dice) -> io::Result<()> {
    let anchor = ANCHOR_FIRST + number;
    let (first, last) = (dice.pick(&FIRST), dice.pick(&LAST));
    let (city, zip, country, language) = CITIES[dice.below(CITIES.len() as u64) as usize];
    let department = dice.pick(&DEPARTMENTS);
    let status = if dice.chance(3) { "Terminated" } else { "Active" };
    let kind = if dice.chance(15) { "Contractor" } else { "Employee" };
    let phone = dice.below(10_000_000);
    write!(out, "{anchor},u{anchor},{first},,{last},{first} {last},{status},{kind},{},", dice.pick(&TITLES))?;
    write!(out, "{department},Operations,Contoso Ltd,CC{:05},", dice.below(90_000))?;
    // Somebody in the tenth before: managers are few.
    if number > 0 {
        write!(out, "{}", ANCHOR_FIRST + dice.below(rows.min(number) / 10 + 1))?;
    }
    write!(out, ",u{anchor}@contoso.example,+49 89 {phone:07},,{} Main Street,{city},{zip},", dice.below(200) + 1)?;
    let (year, month, day) = (1995 + dice.below(30), dice.below(12) + 1, dice.below(28) + 1);
    writeln!(out, "{country},{language},Building {},{year}-{month:02}-{day:02}", dice.below(40) + 1)
}
