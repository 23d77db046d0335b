//! Archives of container images (`podman save`, `docker save`): written to the disk while they are read, and looked into
//! for the names of the images they hold.

use std::fs::File;
use std::io::{self, Read, Write};

use serde::Deserialize;
use sha2::{Digest, Sha256};

use super::compression::{Compression, read_head};
use super::name::one_line;
use crate::hex::finish_hex;

/// The largest list of images that is read, in bytes.
const LIST_LIMIT: u64 = 1024 * 1024;

/// How many names are kept, and how long one may be.
const TAGS_LIMIT: usize = 64;
const TAG_LIMIT: usize = 512;

/// What an archive may expand to. It is only looked through, not kept; this is the end of a bomb.
const EXPANDED_LIMIT: u64 = 16 * 1024 * 1024 * 1024;

/// What was stored.
#[derive(Debug)]
pub(crate) struct Stored {
    pub(crate) sha256: String,
    pub(crate) tags: Vec<String>,
}

/// Why nothing was stored.
#[derive(Debug)]
pub(crate) enum Failure {
    Read(io::Error),
    /// There was less than promised.
    Short,
    Write(io::Error),
    NotAnImage(String),
}

/// Copies an archive of `size` bytes from `content` to `file`, as it is, compressed or not.
pub(crate) fn store(content: &mut dyn Read, size: u64, file: &File) -> Result<Stored, Failure> {
    let mut tee = Tee { content, left: size, file, hash: Sha256::new(), failure: None };
    let tags = read_tags(&mut tee);
    // What the list was not in must be on the disk, too.
    let drained = io::copy(&mut tee, &mut io::sink());
    if let Some(failure) = tee.failure {
        return Err(failure);
    }
    drained.map_err(Failure::Read)?;
    if tee.left > 0 {
        return Err(Failure::Short);
    }
    Ok(Stored {
        sha256: finish_hex(tee.hash),
        tags: tags.map_err(|why| Failure::NotAnImage(one_line(&why)))?,
    })
}

/// A reader that writes down all that passes.
struct Tee<'a> {
    content: &'a mut dyn Read,
    left: u64,
    file: &'a File,
    hash: Sha256,
    failure: Option<Failure>,
}

impl Tee<'_> {
    fn fail(&mut self, failure: Failure) -> io::Error {
        self.failure.get_or_insert(failure);
        io::Error::other("stopped")
    }
}

impl Read for Tee<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.failure.is_some() {
            return Err(io::Error::other("stopped"));
        }
        let most = usize::try_from(self.left).unwrap_or(usize::MAX).min(buffer.len());
        let count = match self.content.read(&mut buffer[..most]) {
            Ok(count) => count,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Err(error),
            Err(error) => return Err(self.fail(Failure::Read(error))),
        };
        if let Err(error) = self.file.write_all(&buffer[..count]) {
            return Err(self.fail(Failure::Write(error)));
        }
        self.hash.update(&buffer[..count]);
        self.left -= count as u64;
        Ok(count)
    }
}

/// The names of the images in an archive, or why it holds none.
fn read_tags(mut archive: impl Read) -> Result<Vec<String>, String> {
    let mut head = [0; 4];
    let filled = read_head(&mut archive, &mut head).map_err(|error| error.to_string())?;
    let head = &head[..filled];
    let decoder = Compression::of(head).decoder(head.chain(archive)).map_err(|error| error.to_string())?;
    let mut lists = Lists::default();
    lists
        .look_through(Bounded { inner: decoder, left: EXPANDED_LIMIT })
        .map_err(|error| error.to_string())?;
    lists.tags()
}

/// The lists of images an archive may have.
#[derive(Default)]
struct Lists {
    /// `manifest.json` of Docker's format.
    docker: Option<Vec<u8>>,
    /// `index.json` of OCI's.
    oci: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct DockerImage {
    #[serde(rename = "RepoTags", default)]
    tags: Option<Vec<String>>,
}

#[derive(Deserialize)]
struct OciIndex {
    manifests: Vec<OciImage>,
}

#[derive(Deserialize)]
struct OciImage {
    #[serde(default)]
    annotations: Annotations,
}

#[derive(Deserialize, Default)]
struct Annotations {
    /// The whole name; containerd and Docker write it.
    #[serde(rename = "io.containerd.image.name")]
    name: Option<String>,
    /// Podman writes the whole name here, Docker the tag alone.
    #[serde(rename = "org.opencontainers.image.ref.name")]
    reference: Option<String>,
}

impl Lists {
    /// Raw entries: no long name is put together for us in memory, and the two we look for are short.
    fn look_through(&mut self, reader: impl Read) -> io::Result<()> {
        let mut archive = tar::Archive::new(reader);
        for entry in archive.entries()?.raw(true) {
            let entry = entry?;
            let list = {
                let path = entry.header().path_bytes();
                match path.strip_prefix(b"./").unwrap_or(&path) {
                    b"manifest.json" => &mut self.docker,
                    b"index.json" => &mut self.oci,
                    _ => continue,
                }
            };
            let mut bytes = Vec::new();
            entry.take(LIST_LIMIT + 1).read_to_end(&mut bytes)?;
            if bytes.len() as u64 > LIST_LIMIT {
                return Err(io::Error::other(format!("its list of images has more than {LIST_LIMIT} bytes")));
            }
            list.get_or_insert(bytes);
        }
        Ok(())
    }

    fn tags(&self) -> Result<Vec<String>, String> {
        let tags: Vec<String> = match (&self.docker, &self.oci) {
            (Some(list), _) => {
                let images: Vec<DockerImage> = serde_json::from_slice(list)
                    .map_err(|error| format!("its manifest.json cannot be understood: {error}"))?;
                images.into_iter().flat_map(|image| image.tags.unwrap_or_default()).collect()
            }
            (None, Some(list)) => {
                let index: OciIndex = serde_json::from_slice(list)
                    .map_err(|error| format!("its index.json cannot be understood: {error}"))?;
                let notes = index.manifests.into_iter().map(|image| image.annotations);
                notes.filter_map(|notes| notes.name.or(notes.reference)).collect()
            }
            (None, None) => return Err("it has neither manifest.json nor index.json".to_owned()),
        };
        let acceptable =
            |tag: &String| !tag.is_empty() && tag.len() <= TAG_LIMIT && !tag.chars().any(char::is_control);
        if tags.len() > TAGS_LIMIT || !tags.iter().all(acceptable) {
            return Err("the names of its images are not acceptable".to_owned());
        }
        Ok(tags)
    }
}

/// A reader that ends with an error, not silently, where its bound is.
struct Bounded<R> {
    inner: R,
    left: u64,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.inner.read(buffer)?;
        self.left = self
            .left
            .checked_sub(count as u64)
            .ok_or_else(|| io::Error::other(format!("it expands to more than {EXPANDED_LIMIT} bytes")))?;
        Ok(count)
    }
}
