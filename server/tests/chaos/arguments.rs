//! The command line. What `cargo test` passes to every test program is understood or passed over.

/// What to do.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Wanted {
    /// The short runs and the kill points, or those whose names contain one of these.
    Tests { filter: Vec<String> },
    /// The names of the tests.
    List,
    /// One run.
    Run { seed: u64, payments: usize },
    /// One run on paper.
    Plan { seed: u64, payments: usize },
}

#[derive(Debug)]
pub(crate) struct Arguments {
    pub(crate) wanted: Wanted,
}

impl Arguments {
    pub(crate) fn read(mut words: impl Iterator<Item = String>) -> Result<Self, String> {
        let (mut seed, mut payments, mut on_paper, mut list) = (None, 500, false, false);
        let mut filter = Vec::new();
        while let Some(word) = words.next() {
            let mut number = || words.next().and_then(|word| word.parse::<u64>().ok());
            match word.as_str() {
                "--seed" => seed = Some(number().ok_or("--seed wants a number")?),
                "--payments" => {
                    let number = number().and_then(|number| usize::try_from(number).ok());
                    payments = number.filter(|number| *number > 0).ok_or("--payments wants a number")?;
                }
                "--plan" => on_paper = true,
                "--list" => list = true,
                "--test-threads" | "--format" | "--color" | "--skip" => drop(words.next()),
                option if option.starts_with('-') => {}
                name => filter.push(name.to_owned()),
            }
        }
        let wanted = match seed {
            _ if list => Wanted::List,
            Some(seed) if on_paper => Wanted::Plan { seed, payments },
            Some(seed) => Wanted::Run { seed, payments },
            None => Wanted::Tests { filter },
        };
        Ok(Self { wanted })
    }
}
