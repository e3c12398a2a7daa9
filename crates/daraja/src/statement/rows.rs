//! A file into rows and fields: lines first, so that a quotation mark that is never closed costs one row and not the
//! rest of the file.

use std::ops::Range;

use csv_core::{ReadRecordResult, Reader, ReaderBuilder};

use super::{MAX_FIELD, MAX_ROWS};

/// How many lines one row may take, where a quoted field holds line breaks.
const MAX_JOINED: usize = 8;
/// More columns than any statement has.
const MAX_FIELDS: usize = 64;
/// The characters of Windows-1252 that are not those of Latin-1, from 0x80 on.
const WINDOWS_1252: [char; 32] = [
    '€', '\u{81}', '‚', 'ƒ', '„', '…', '†', '‡', 'ˆ', '‰', 'Š', '‹', 'Œ', '\u{8d}', 'Ž', '\u{8f}', '\u{90}', '‘', '’',
    '“', '”', '•', '–', '—', '˜', '™', 'š', '›', 'œ', '\u{9d}', 'ž', 'Ÿ',
];

/// The lines of a file.
#[derive(Debug)]
pub(super) struct Rows<'a> {
    file: &'a [u8],
    lines: Vec<Range<usize>>,
}

impl<'a> Rows<'a> {
    /// Cuts at line ends of all three kinds; `None` when there are more lines than [`MAX_ROWS`].
    pub(super) fn split(file: &'a [u8]) -> Option<Self> {
        let mut lines = Vec::new();
        let mut start = 0;
        let next = |at: usize| file.get(at + 1).copied();
        let ends = file.iter().enumerate().filter(|(at, byte)| match byte {
            b'\n' => true,
            b'\r' => next(*at) != Some(b'\n'),
            _ => false,
        });
        for end in ends.map(|(at, _)| at + 1).chain([file.len()]).filter(|end| *end > 0) {
            if lines.len() >= MAX_ROWS {
                return None;
            }
            if end > start {
                lines.push(start..end);
            }
            start = end;
        }
        Some(Self { file, lines })
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    fn bytes(&self, lines: Range<usize>) -> &'a [u8] {
        let start = self.lines.get(lines.start).map_or(0, |line| line.start);
        let end = lines.end.checked_sub(1).and_then(|last| self.lines.get(last)).map_or(start, |line| line.end);
        let bytes = self.file.get(start..end).unwrap_or_default();
        let bytes = bytes.strip_suffix(b"\n").unwrap_or(bytes);
        bytes.strip_suffix(b"\r").unwrap_or(bytes)
    }

    /// One line's fields, on its own.
    pub(super) fn line(&self, at: usize, parser: &mut Parser) -> Option<Vec<String>> {
        parser.fields(self.bytes(at..at + 1)).ok()
    }

    /// Gives every row from line `first` on (counted from 0) to `each`, with its number counted from 1.
    pub(super) fn records(
        &self,
        first: usize,
        parser: &mut Parser,
        columns: usize,
        mut each: impl FnMut(usize, Result<Vec<String>, &'static str>),
    ) {
        let mut at = first;
        while at < self.lines.len() {
            let (lines, fields) = self.record(at, parser, columns);
            each(at + 1, fields);
            at += lines;
        }
    }

    /// The row that begins at a line, and how many lines it takes.
    fn record(&self, at: usize, parser: &mut Parser, columns: usize) -> (usize, Result<Vec<String>, &'static str>) {
        let line = self.bytes(at..at + 1);
        let alone = parser.fields(line);
        let is_whole = |fields: &Result<Vec<String>, _>| fields.as_ref().is_ok_and(|fields| fields.len() == columns);
        // An even number of quotation marks closes what it opens; an odd one may still be a mark inside a name.
        if !has_open_quote(line) || is_whole(&alone) {
            return (1, alone);
        }
        for lines in 2..=MAX_JOINED.min(self.lines.len() - at) {
            // A line that is a row by itself is never taken into another one's field.
            if is_whole(&parser.fields(self.bytes(at + lines - 1..at + lines))) {
                break;
            }
            let joined = self.bytes(at..at + lines);
            if !has_open_quote(joined) {
                let fields = parser.fields(joined);
                if is_whole(&fields) {
                    return (lines, fields);
                }
                break;
            }
        }
        (1, Err("a quotation mark that is never closed"))
    }
}

fn has_open_quote(bytes: &[u8]) -> bool {
    bytes.iter().filter(|byte| **byte == b'"').count() % 2 == 1
}

/// Reads one row at a time; kept from row to row, because setting it up takes longer than reading one.
#[derive(Debug)]
pub(super) struct Parser {
    reader: Reader,
    output: Vec<u8>,
    ends: [usize; MAX_FIELDS],
}

impl Parser {
    pub(super) fn new(delimiter: u8) -> Self {
        let reader = ReaderBuilder::new().delimiter(delimiter).build();
        Self { reader, output: Vec::new(), ends: [0; MAX_FIELDS] }
    }

    /// One row's fields.
    fn fields(&mut self, bytes: &[u8]) -> Result<Vec<String>, &'static str> {
        if bytes.iter().all(u8::is_ascii_whitespace) {
            return Ok(Vec::new());
        }
        if bytes.len() > MAX_FIELD * MAX_FIELDS {
            return Err("a row that is too long");
        }
        self.reader.reset();
        // What comes out is never longer than what goes in.
        self.output.resize(bytes.len() + 1, 0);
        let (mut read, mut written, mut found) = (0, 0, 0);
        loop {
            let (input, output) = (bytes.get(read..).unwrap_or_default(), self.output.get_mut(written..));
            let (Some(output), Some(ends)) = (output, self.ends.get_mut(found..)) else {
                return Err("a row that is not CSV");
            };
            let (result, more_read, more_written, more_found) = self.reader.read_record(input, output, ends);
            (read, written, found) = (read + more_read, written + more_written, found + more_found);
            match result {
                // Nothing left to read is how the end is announced.
                ReadRecordResult::InputEmpty => {}
                ReadRecordResult::Record | ReadRecordResult::End => break,
                ReadRecordResult::OutputEndsFull => return Err("more columns than a statement has"),
                ReadRecordResult::OutputFull => return Err("a row that is not CSV"),
            }
        }
        if bytes.get(read..).is_some_and(|rest| !rest.is_empty()) {
            return Err("a row that is not CSV");
        }
        let mut start = 0;
        let ends = self.ends.iter().take(found);
        let cut = ends.map(|end| self.output.get(std::mem::replace(&mut start, *end)..*end).unwrap_or_default());
        cut.map(|field| if field.len() > MAX_FIELD { Err("a field that is too long") } else { Ok(field) })
            .map(|field| field.map(|bytes| text(bytes).trim().to_owned()))
            .collect()
    }
}

/// UTF-8 where it is that, else Windows-1252, in which every byte means something.
fn text(bytes: &[u8]) -> String {
    std::str::from_utf8(bytes).map_or_else(|_| bytes.iter().map(windows_1252).collect(), ToOwned::to_owned)
}

fn windows_1252(byte: &u8) -> char {
    let special = byte.checked_sub(0x80).and_then(|at| WINDOWS_1252.get(usize::from(at)));
    special.copied().unwrap_or(char::from(*byte))
}
