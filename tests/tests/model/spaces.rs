//! Random numbers of the model: forms of spaces, keys that the test knows, and the texts that another
//! implementation than the product's makes of them (the crate `fpe`).

use aes::Aes256;
use fpe::ff1::{FF1, FlexibleNumeralString};
use sha2::{Digest, Sha256};

/// What the numbers of a space look like.
#[derive(Debug)]
pub struct Form {
    pub prefix: &'static str,
    pub alphabet: &'static str,
    pub length: u8,
}

/// The forms that pools are asked for with. The first two can live side by side; the others could print a text
/// of the first in other letters, and one of a decimal number.
pub const FORMS: [Form; 4] = [
    Form { prefix: "", alphabet: "0123456789ABCDEFGHKMNPRSTVWXYZ", length: 8 },
    Form { prefix: "R", alphabet: "0123456789", length: 6 },
    Form { prefix: "0", alphabet: "abcdefghkm", length: 7 },
    Form { prefix: "", alphabet: "0123456789", length: WIDTH },
];
/// The digits of sequential numbers.
const WIDTH: u8 = 12;
const DIGITS: &str = "0123456789";

impl Form {
    /// How many texts there are.
    pub fn capacity(&self) -> u64 {
        u64::try_from(self.alphabet.len()).unwrap().pow(self.length.into())
    }

    /// The characters of each place.
    fn places(&self) -> Vec<String> {
        let random = std::iter::repeat_n(self.alphabet.to_owned(), self.length.into());
        self.prefix.chars().map(String::from).chain(random).collect()
    }
}

/// The characters of each place of the texts of a space, or of decimal numbers.
fn places(space: Option<usize>) -> Vec<String> {
    let decimals = || vec![DIGITS.to_owned(); WIDTH.into()];
    space.map_or_else(decimals, |space| FORMS[space].places())
}

/// Whether two sources could print the same, to a reader who does not heed case.
pub fn could_clash(one: Option<usize>, other: Option<usize>) -> bool {
    let (one, other) = (places(one), places(other));
    let meet = |(a, b): (&String, &String)| {
        a.chars().any(|a| b.chars().any(|b| a.eq_ignore_ascii_case(&b)))
    };
    one.len() == other.len() && one.iter().zip(&other).all(meet)
}

/// The key that a space has in the model.
pub fn key(gtin: &str, space: usize) -> [u8; 32] {
    Sha256::digest(format!("the model's key {gtin} {space}")).into()
}

/// A number as it is printed.
pub fn text(gtin: &str, space: Option<usize>, number: u64) -> String {
    let Some(space) = space else { return format!("{number:012}") };
    let form = &FORMS[space];
    let radix = u64::try_from(form.alphabet.len()).unwrap();
    let (mut rest, mut digits) = (number, vec![0_u16; form.length.into()]);
    for digit in digits.iter_mut().rev() {
        *digit = u16::try_from(rest % radix).unwrap();
        rest /= radix;
    }
    assert_eq!(rest, 0, "the space has fewer texts");
    let cipher = FF1::<Aes256>::new(&key(gtin, space), u32::try_from(radix).unwrap()).unwrap();
    let random = cipher.encrypt(gtin.as_bytes(), &FlexibleNumeralString::from(digits)).unwrap();
    let character = |digit: u16| char::from(form.alphabet.as_bytes()[usize::from(digit)]);
    let random = Vec::<u16>::from(random).into_iter().map(character);
    form.prefix.chars().chain(random).collect()
}

#[test]
fn forms_clash_as_they_are_meant_to() {
    let check = |one, other, clash| assert_eq!(could_clash(one, other), clash, "{one:?} {other:?}");
    check(Some(0), Some(1), false);
    check(Some(0), Some(2), true);
    check(Some(1), Some(2), false);
    check(None, Some(3), true);
    check(None, Some(0), false);
    check(Some(3), Some(0), false);
}
