//! Domain names in wire format: owned, borrowed, and one on the stack for the name being asked. Always lower case, never
//! compressed, always with the root label; whoever needs the asker's case keeps the asker's bytes.

use std::borrow::Borrow;
use std::fmt::{self, Write as _};
use std::str::FromStr;

use super::WireError;

/// Octets of the longest name, root label included (RFC 1035 2.3.4).
pub const MAX_NAME: usize = 255;
/// Octets of the longest label (RFC 1035 2.3.4).
pub const MAX_LABEL: usize = 63;
/// Labels of the longest name, the root not counted: 127 of one octet each.
const MAX_LABELS: usize = 127;

/// An owned name.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Name(Box<[u8]>);

/// A borrowed name: wire octets that are known to be a whole, lower-case name.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NameRef<'a>(&'a [u8]);

/// A name on the stack, with the place of each label, so that suffixes cost nothing.
#[derive(Clone)]
pub struct NameBuf {
    wire: [u8; MAX_NAME],
    starts: [u8; MAX_LABELS],
    len: u8,
    labels: u8,
}

/// Why a text is not a name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NameError {
    #[error("a name must not be empty; the root is \".\"")]
    Empty,
    #[error("empty label (two dots in a row, or a dot in front)")]
    EmptyLabel,
    #[error("label `{0}` is longer than 63 octets")]
    LabelTooLong(String),
    #[error("name is longer than 255 octets")]
    TooLong,
    #[error("`\\` needs three digits up to 255, or one character, after it")]
    Escape,
}

impl Name {
    /// The root, `.`.
    #[must_use]
    pub fn root() -> Self {
        Self(Box::new([0]))
    }

    #[must_use]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef(&self.0)
    }

    /// The name with `labels` (dotted text, no final dot) in front.
    ///
    /// # Errors
    /// If a label or the whole becomes too long.
    pub fn prepend(&self, labels: &str) -> Result<Self, NameError> {
        let mut buf = NameBuf::new();
        parse_labels(labels, &mut buf)?;
        buf.extend(self.as_ref()).map_err(|_| NameError::TooLong)?;
        Ok(buf.to_name())
    }
}

impl<'a> NameRef<'a> {
    /// The wire octets, root label included.
    #[must_use]
    pub const fn wire(self) -> &'a [u8] {
        self.0
    }

    #[must_use]
    pub const fn is_root(self) -> bool {
        self.0.len() == 1
    }

    /// The labels from the left, without the root.
    pub fn labels(self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let mut rest = self.0;
        std::iter::from_fn(move || {
            let len = usize::from(rest[0]);
            if len == 0 {
                return None;
            }
            let label = &rest[1..=len];
            rest = &rest[len + 1..];
            Some(label)
        })
    }

    /// How many labels, the root not counted.
    #[must_use]
    pub fn label_count(self) -> usize {
        self.labels().count()
    }

    /// The name without its first label; the root has none.
    #[must_use]
    pub fn parent(self) -> Option<NameRef<'a>> {
        let len = usize::from(self.0[0]);
        (len != 0).then(|| NameRef(&self.0[len + 1..]))
    }

    /// Is this `zone` or below it?
    #[must_use]
    pub fn is_in(self, zone: NameRef<'_>) -> bool {
        let mut name = self;
        loop {
            if name.0.len() <= zone.0.len() {
                return name.0 == zone.0;
            }
            match name.parent() {
                Some(parent) => name = parent,
                None => return false,
            }
        }
    }

    #[must_use]
    pub fn to_name(self) -> Name {
        Name(self.0.into())
    }
}

impl Default for NameBuf {
    fn default() -> Self {
        Self::new()
    }
}

impl NameBuf {
    /// The root.
    #[must_use]
    pub const fn new() -> Self {
        Self { wire: [0; MAX_NAME], starts: [0; MAX_LABELS], len: 1, labels: 0 }
    }

    /// Reads an uncompressed name at `at`, as a question has it, and gives the place behind it.
    ///
    /// # Errors
    /// If the name is cut short, too long, or holds a pointer or a reserved label type.
    #[inline]
    pub fn read_plain(&mut self, message: &[u8], at: usize) -> Result<usize, WireError> {
        self.clear();
        let mut at = at;
        loop {
            let len = usize::from(*message.get(at).ok_or(WireError::Short)?);
            if len == 0 {
                return Ok(at + 1);
            }
            if len > MAX_LABEL {
                return Err(WireError::LabelType);
            }
            let label = message.get(at + 1..at + 1 + len).ok_or(WireError::Short)?;
            self.push(label)?;
            at += 1 + len;
        }
    }

    /// Reads a name at `at`, following compression pointers, and gives the place behind it in the message.
    ///
    /// # Errors
    /// As [`NameBuf::read_plain`], or if a pointer does not point before the part of the name that it ends. So a name
    /// takes at most 127 labels and as many pointers as bytes before it (RFC 9267 2).
    pub fn read(&mut self, message: &[u8], at: usize) -> Result<usize, WireError> {
        self.read_where(message, at, |_, _| true)
    }

    /// The same, but `may_lead` is asked about the octets, first and one past the last, of each label and each further pointer
    /// that a pointer leads to.
    ///
    /// # Errors
    /// As [`NameBuf::read`], or if it says no.
    pub fn read_where(
        &mut self,
        message: &[u8],
        at: usize,
        may_lead: impl Fn(usize, usize) -> bool,
    ) -> Result<usize, WireError> {
        self.clear();
        let (mut at, mut part, mut end) = (at, at, None);
        // Where the part began that led here: "a prior occurrence of the same name" ends before that (RFC 1035 4.1.4).
        let mut limit = usize::MAX;
        loop {
            if at >= limit {
                return Err(WireError::Pointer);
            }
            let len = usize::from(*message.get(at).ok_or(WireError::Short)?);
            let octets = if len <= MAX_LABEL { 1 + len } else { 2 };
            if end.is_some() && !may_lead(at, at + octets) {
                return Err(WireError::Pointer);
            }
            match len {
                0 => return Ok(end.unwrap_or(at + 1)),
                1..=MAX_LABEL => {
                    let label = message.get(at + 1..at + octets).ok_or(WireError::Short)?;
                    self.push(label)?;
                    at += octets;
                }
                0xc0.. => {
                    let target = super::read_u16(message, at).ok_or(WireError::Short)? & 0x3fff;
                    let target = usize::from(target);
                    if target >= part {
                        return Err(WireError::Pointer);
                    }
                    end.get_or_insert(at + 2);
                    (at, part, limit) = (target, target, part);
                }
                _ => return Err(WireError::LabelType),
            }
        }
    }

    /// Appends one label, folding its case.
    ///
    /// # Errors
    /// If the name or the label becomes too long.
    #[inline]
    pub fn push(&mut self, label: &[u8]) -> Result<(), WireError> {
        let at = usize::from(self.len) - 1;
        if at + label.len() + 2 > MAX_NAME {
            return Err(WireError::NameTooLong);
        }
        if label.is_empty() || label.len() > MAX_LABEL {
            return Err(WireError::LabelType);
        }
        self.starts[usize::from(self.labels)] = at as u8;
        self.labels += 1;
        self.wire[at] = label.len() as u8;
        for (to, from) in self.wire[at + 1..=at + label.len()].iter_mut().zip(label) {
            *to = from.to_ascii_lowercase();
        }
        self.wire[at + label.len() + 1] = 0;
        self.len += label.len() as u8 + 1;
        Ok(())
    }

    /// Appends the labels of another name.
    ///
    /// # Errors
    /// If the name becomes too long.
    pub fn extend(&mut self, tail: NameRef<'_>) -> Result<(), WireError> {
        tail.labels().try_for_each(|label| self.push(label))
    }

    /// Back to the root.
    #[inline]
    pub fn clear(&mut self) {
        (self.len, self.labels, self.wire[0]) = (1, 0, 0);
    }

    #[inline]
    #[must_use]
    pub fn as_ref(&self) -> NameRef<'_> {
        NameRef(&self.wire[..usize::from(self.len)])
    }

    #[must_use]
    pub fn to_name(&self) -> Name {
        self.as_ref().to_name()
    }

    /// How many labels, the root not counted.
    #[inline]
    #[must_use]
    pub fn label_count(&self) -> usize {
        usize::from(self.labels)
    }

    /// The label with this number from the left, from 0.
    #[inline]
    #[must_use]
    pub fn label(&self, number: usize) -> &[u8] {
        let start = usize::from(self.starts[number]);
        &self.wire[start + 1..=start + usize::from(self.wire[start])]
    }

    /// The last `labels` labels; the whole name if it has fewer.
    #[inline]
    #[must_use]
    pub fn suffix(&self, labels: usize) -> NameRef<'_> {
        NameRef(&self.wire[self.suffix_offset(labels)..usize::from(self.len)])
    }

    /// Where the last `labels` labels start: in a reply this plus 12 is what a compression pointer to them holds.
    #[inline]
    #[must_use]
    pub fn suffix_offset(&self, labels: usize) -> usize {
        match labels {
            0 => usize::from(self.len) - 1,
            n if n >= self.label_count() => 0,
            n => usize::from(self.starts[self.label_count() - n]),
        }
    }
}

impl From<NameRef<'_>> for NameBuf {
    fn from(name: NameRef<'_>) -> Self {
        let mut buf = Self::new();
        // A NameRef is at most 255 octets of at most 127 labels, which is what a NameBuf holds.
        let fits = buf.extend(name);
        debug_assert!(fits.is_ok());
        buf
    }
}

impl FromStr for Name {
    type Err = NameError;

    /// Reads presentation format (RFC 1035 5.1), with or without the final dot.
    fn from_str(text: &str) -> Result<Self, NameError> {
        match text {
            "" => return Err(NameError::Empty),
            "." => return Ok(Self::root()),
            _ => {}
        }
        let mut buf = NameBuf::new();
        parse_labels(text, &mut buf)?;
        Ok(buf.to_name())
    }
}

fn parse_labels(text: &str, into: &mut NameBuf) -> Result<(), NameError> {
    let mut label = Vec::with_capacity(MAX_LABEL);
    let mut bytes = text.bytes().peekable();
    while let Some(byte) = bytes.next() {
        match byte {
            b'.' => push_label(&mut label, into)?,
            b'\\' => label.push(unescape(&mut bytes)?),
            other => label.push(other),
        }
        if byte == b'.' && bytes.peek().is_none() {
            return Ok(());
        }
    }
    push_label(&mut label, into)
}

fn push_label(label: &mut Vec<u8>, into: &mut NameBuf) -> Result<(), NameError> {
    if label.is_empty() {
        return Err(NameError::EmptyLabel);
    }
    into.push(label).map_err(|error| match error {
        WireError::NameTooLong => NameError::TooLong,
        _ => NameError::LabelTooLong(String::from_utf8_lossy(label).into_owned()),
    })?;
    label.clear();
    Ok(())
}

fn unescape(bytes: &mut impl Iterator<Item = u8>) -> Result<u8, NameError> {
    let first = bytes.next().ok_or(NameError::Escape)?;
    if !first.is_ascii_digit() {
        return Ok(first);
    }
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        let digit = bytes.next().filter(u8::is_ascii_digit).ok_or(NameError::Escape)?;
        value = value * 10 + u16::from(digit - b'0');
    }
    u8::try_from(value).map_err(|_| NameError::Escape)
}

impl fmt::Display for NameRef<'_> {
    /// Presentation format without the final dot, `.` for the root; whatever is not printable is escaped, so that a name
    /// can go into a log line as it is.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_root() {
            return f.write_char('.');
        }
        for (number, label) in self.labels().enumerate() {
            if number > 0 {
                f.write_char('.')?;
            }
            for &byte in label {
                match byte {
                    b'.' | b'\\' | b'"' | b';' | b'(' | b')' | b'@' | b'$' => write!(f, "\\{}", char::from(byte))?,
                    0x21..=0x7e => f.write_char(char::from(byte))?,
                    other => write!(f, "\\{other:03}")?,
                }
            }
        }
        Ok(())
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.as_ref().fmt(f)
    }
}

impl fmt::Debug for NameRef<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl fmt::Debug for NameBuf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(&self.as_ref(), f)
    }
}

/// Maps keyed by [`Name`] can be asked with wire octets, without making a `Name`.
impl Borrow<[u8]> for Name {
    fn borrow(&self) -> &[u8] {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> Name {
        text.parse().expect("a name")
    }

    #[test]
    fn text_and_wire_agree() {
        for text in ["a", "WEB.default.svc.cluster.local", "a\\.b.c", "\\000\\255.x", "_http._tcp.web", "."] {
            let parsed = name(text);
            assert_eq!(name(&parsed.to_string()), parsed, "{text}");
        }
        assert_eq!(name("Ab.").as_ref().wire(), b"\x02ab\0");
    }

    #[test]
    fn bad_texts_are_refused() {
        assert_eq!("".parse::<Name>(), Err(NameError::Empty));
        assert_eq!("a..b".parse::<Name>(), Err(NameError::EmptyLabel));
        assert_eq!(".a".parse::<Name>(), Err(NameError::EmptyLabel));
        assert_eq!("\\25".parse::<Name>(), Err(NameError::Escape));
        assert_eq!("\\256".parse::<Name>(), Err(NameError::Escape));
        assert!(matches!("x".repeat(64).parse::<Name>(), Err(NameError::LabelTooLong(_))));
        assert_eq!("abcdefg.".repeat(32).parse::<Name>(), Err(NameError::TooLong));
    }

    #[test]
    fn suffixes_follow_labels() {
        let buf = NameBuf::from(name("a.bb.ccc").as_ref());
        assert_eq!(buf.suffix(2), name("bb.ccc").as_ref());
        assert_eq!(buf.suffix(0), Name::root().as_ref());
        assert_eq!(buf.suffix(9), buf.as_ref());
        assert_eq!(buf.label(1), b"bb");
        assert!(buf.as_ref().is_in(name("ccc").as_ref()));
        assert!(buf.as_ref().is_in(Name::root().as_ref()));
        assert!(!buf.as_ref().is_in(name("cc").as_ref()));
        assert!(!name("xbb.ccc").as_ref().is_in(name("bb.ccc").as_ref()));
    }

    #[test]
    fn pointers_must_go_backwards() {
        let mut buf = NameBuf::new();
        // "ab" at 0, then "c" + pointer to 0 at 4.
        let message = b"\x02ab\0\x01c\xc0\x00";
        assert_eq!(buf.read(message, 4), Ok(8));
        assert_eq!(buf.to_name(), name("c.ab"));
        assert_eq!(buf.read(b"\xc0\x00", 0), Err(WireError::Pointer), "to itself");
        assert_eq!(buf.read(b"\xc0\x02\x01a\0", 0), Err(WireError::Pointer), "forward");
        assert_eq!(buf.read(b"\x01a\xc0\x00", 0), Err(WireError::Pointer), "into the name itself");
        assert_eq!(
            buf.read(b"\x03ab\x01c\xc0\x00", 3),
            Err(WireError::Pointer),
            "to a label that reaches into the name"
        );
        assert_eq!(buf.read(b"\x41a\0", 0), Err(WireError::LabelType));
        assert_eq!(buf.read_plain(b"\x01a\xc0\x00", 0), Err(WireError::LabelType));
        assert_eq!(buf.read_plain(b"\x05a", 0), Err(WireError::Short));
    }

    #[test]
    fn longest_name_fits_and_one_more_octet_does_not() {
        let mut message = Vec::new();
        for _ in 0..127 {
            message.extend_from_slice(b"\x01a");
        }
        message.push(0);
        let mut buf = NameBuf::new();
        assert_eq!(buf.read_plain(&message, 0), Ok(255));
        assert_eq!(buf.label_count(), 127);
        message.splice(0..2, *b"\x02aa");
        assert_eq!(buf.read_plain(&message, 0), Err(WireError::NameTooLong));
    }
}
