//! The firmware's tables (DMTF DSP0134, SMBIOS), as Windows keeps them in the registry: eight bytes of its own before them, as in
//! its `RawSMBIOSData`. Reads a text of a table; whatever the bytes are, it stays within them.

use crate::evidence::FirmwareField;

/// Windows' own: how it asked, two bytes of the version, a revision, and the length of what follows in four bytes.
const HEADER: usize = 8;
/// Every table begins with its kind, the length of its fixed part, and a handle of two bytes.
const TABLE_HEADER: usize = 4;
/// The table after which there is none.
const END: u8 = 127;

/// The kind of the table, and where in its fixed part the number of the text is.
fn place(field: FirmwareField) -> (u8, usize) {
    match field {
        FirmwareField::ChassisAssetTag => (3, 8),
        FirmwareField::SysVendor => (1, 4),
        FirmwareField::ProductName => (1, 5),
    }
}

/// The field's text; `None` where no table has it.
pub fn text(raw: &[u8], field: FirmwareField) -> Option<String> {
    let told = u32::from_le_bytes(raw.get(4..HEADER)?.try_into().ok()?);
    let tables = raw.get(HEADER..)?;
    let mut rest = tables.get(..usize::try_from(told).ok()?).unwrap_or(tables);
    let (kind, at) = place(field);
    loop {
        let length = usize::from(*rest.get(1)?);
        let (fixed, texts) = (rest.get(..length).filter(|_| length >= TABLE_HEADER)?, rest.get(length..)?);
        // Each text ends with a zero byte, and one more ends them all; where there is none there are two.
        let end = texts.windows(2).position(|pair| pair == [0, 0])?;
        match *rest.first()? {
            END => return None,
            found if found == kind => {
                let number = usize::from(*fixed.get(at)?).checked_sub(1)?;
                let text = texts.get(..end)?.split(|byte| *byte == 0).nth(number)?;
                let text = String::from_utf8_lossy(text).trim().to_owned();
                return Some(text).filter(|text| !text.is_empty());
            }
            _ => rest = texts.get(end + 2..)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TAG: &str = "7783-7084-3265-9085-8269-3286-77";

    fn table(kind: u8, fixed: &[u8], texts: &[&str]) -> Vec<u8> {
        let length = (TABLE_HEADER + fixed.len()) as u8;
        let mut table = vec![kind, length, 0, 0];
        table.extend_from_slice(fixed);
        texts.iter().for_each(|text| table.extend([text.as_bytes(), &[0]].concat()));
        if texts.is_empty() {
            table.push(0);
        }
        table.push(0);
        table
    }

    fn raw(tables: &[Vec<u8>]) -> Vec<u8> {
        let tables = tables.concat();
        let mut raw = vec![0, 3, 1, 0];
        raw.extend_from_slice(&(tables.len() as u32).to_le_bytes());
        raw.extend(tables);
        raw
    }

    fn of_a_vm() -> Vec<u8> {
        raw(&[
            table(0, &[1, 2, 0, 0xf0, 3], &["American Megatrends International, LLC.", "Hyper-V UEFI Release", "2024"]),
            table(11, &[0], &[]),
            table(1, &[1, 2, 0, 0], &["Microsoft Corporation", "Virtual Machine"]),
            table(3, &[1, 3, 0, 0, 2], &["Microsoft Corporation", TAG]),
            table(END, &[], &[]),
        ])
    }

    #[test]
    fn the_texts_of_an_azure_vm_are_read() {
        let raw = of_a_vm();
        assert_eq!(text(&raw, FirmwareField::ChassisAssetTag).as_deref(), Some(TAG));
        assert_eq!(text(&raw, FirmwareField::SysVendor).as_deref(), Some("Microsoft Corporation"));
        assert_eq!(text(&raw, FirmwareField::ProductName).as_deref(), Some("Virtual Machine"));
    }

    #[test]
    fn a_field_without_a_text_is_none() {
        for tables in [
            vec![table(3, &[1, 3, 0, 0, 0], &["Microsoft Corporation"])],
            vec![table(3, &[1, 3, 0, 0, 9], &["Microsoft Corporation"])],
            vec![table(3, &[1, 3], &["Microsoft Corporation"])],
            vec![table(END, &[], &[]), table(3, &[1, 3, 0, 0, 1], &["beyond the end"])],
            vec![],
        ] {
            assert_eq!(text(&raw(&tables), FirmwareField::ChassisAssetTag), None, "{tables:?}");
        }
    }

    #[test]
    fn nothing_is_read_beyond_the_bytes_that_are_there() {
        let whole = of_a_vm();
        let fields = [FirmwareField::ChassisAssetTag, FirmwareField::SysVendor, FirmwareField::ProductName];
        for end in 0..whole.len() {
            for field in fields {
                let found = text(&whole[..end], field);
                assert!(found.is_none() || found == text(&whole, field), "{end}");
            }
        }
        for at in 0..whole.len() {
            for byte in [0, 1, 3, 0x7f, 0xff] {
                let mut spoilt = whole.clone();
                spoilt[at] = byte;
                // It ends, and panics at nothing.
                let _ = fields.map(|field| text(&spoilt, field));
            }
        }
    }
}
