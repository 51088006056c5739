// An oracle that shares no code with tapmesh: golang.org/x/mod/sumdb's note and tlog. It reads one JSON object on
// stdin, verifies the notes and proofs in it, and answers with one that it made itself from the same leaves.
package main

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"os"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

type noteJob struct {
	Note string `json:"note"`
	Key  string `json:"key"`
}

type inclusionJob struct {
	Index int64    `json:"index"`
	Size  int64    `json:"size"`
	Leaf  []byte   `json:"leaf"`
	Root  []byte   `json:"root"`
	Proof [][]byte `json:"proof"`
}

type consistencyJob struct {
	OldSize int64    `json:"oldSize"`
	OldRoot []byte   `json:"oldRoot"`
	Size    int64    `json:"size"`
	Root    []byte   `json:"root"`
	Proof   [][]byte `json:"proof"`
}

type signJob struct {
	Name string `json:"name"`
	Seed []byte `json:"seed"`
	Text string `json:"text"`
}

type request struct {
	Notes       []noteJob        `json:"notes"`
	Inclusion   []inclusionJob   `json:"inclusion"`
	Consistency []consistencyJob `json:"consistency"`
	// What the oracle is to make: records of one log, and texts to sign.
	Records []string  `json:"records"`
	Sign    []signJob `json:"sign"`
}

type answer struct {
	// One text for each job: the note's text, or "" where a proof holds, or "error: …".
	Notes       []string `json:"notes"`
	Inclusion   []string `json:"inclusion"`
	Consistency []string `json:"consistency"`

	Roots           [][]byte         `json:"roots"` // of the first n records, from n = 1 on
	MadeInclusion   []inclusionJob   `json:"madeInclusion"`
	MadeConsistency []consistencyJob `json:"madeConsistency"`
	MadeNotes       []noteJob        `json:"madeNotes"`
}

func hashOf(b []byte) (h tlog.Hash) {
	copy(h[:], b)
	return h
}

func hashesOf(proof [][]byte) []tlog.Hash {
	hashes := make([]tlog.Hash, 0, len(proof))
	for _, b := range proof {
		hashes = append(hashes, hashOf(b))
	}
	return hashes
}

func bytesOf(hashes []tlog.Hash) [][]byte {
	proof := [][]byte{}
	for _, h := range hashes {
		proof = append(proof, append([]byte(nil), h[:]...))
	}
	return proof
}

func verdict(err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return ""
}

func open(job noteJob) string {
	verifier, err := note.NewVerifier(job.Key)
	if err != nil {
		return verdict(err)
	}
	opened, err := note.Open([]byte(job.Note), note.VerifierList(verifier))
	if err != nil {
		return verdict(err)
	}
	return opened.Text
}

// The signer's text: PRIVATE+KEY+name+hash+base64(1 || seed).
func sign(job signJob) (noteJob, error) {
	public := ed25519.NewKeyFromSeed(job.Seed).Public().(ed25519.PublicKey)
	material := append([]byte{1}, public...)
	digest := sha256.Sum256(append([]byte(job.Name+"\n"), material...))
	hash := binary.BigEndian.Uint32(digest[:4])
	private := base64.StdEncoding.EncodeToString(append([]byte{1}, job.Seed...))
	signer, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", job.Name, hash, private))
	if err != nil {
		return noteJob{}, err
	}
	signed, err := note.Sign(&note.Note{Text: job.Text}, signer)
	key := fmt.Sprintf("%s+%08x+%s", job.Name, hash, base64.StdEncoding.EncodeToString(material))
	return noteJob{Note: string(signed), Key: key}, err
}

func makeProofs(records []string, out *answer) error {
	var stored []tlog.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		hashes := make([]tlog.Hash, 0, len(indexes))
		for _, i := range indexes {
			hashes = append(hashes, stored[i])
		}
		return hashes, nil
	})
	var roots []tlog.Hash
	for i, record := range records {
		hashes, err := tlog.StoredHashes(int64(i), []byte(record), reader)
		if err != nil {
			return err
		}
		stored = append(stored, hashes...)
		root, err := tlog.TreeHash(int64(i+1), reader)
		if err != nil {
			return err
		}
		roots = append(roots, root)
	}
	out.Roots = bytesOf(roots)
	size := int64(len(records))
	for n := int64(0); n < size; n++ {
		path, err := tlog.ProveRecord(size, n, reader)
		if err != nil {
			return err
		}
		leaf := tlog.RecordHash([]byte(records[n]))
		out.MadeInclusion = append(out.MadeInclusion, inclusionJob{
			Index: n, Size: size, Leaf: leaf[:], Root: roots[size-1][:], Proof: bytesOf(path),
		})
		growth, err := tlog.ProveTree(size, n+1, reader)
		if err != nil {
			return err
		}
		out.MadeConsistency = append(out.MadeConsistency, consistencyJob{
			OldSize: n + 1, OldRoot: roots[n][:], Size: size, Root: roots[size-1][:], Proof: bytesOf(growth),
		})
	}
	return nil
}

func run() error {
	var in request
	if err := json.NewDecoder(os.Stdin).Decode(&in); err != nil {
		return err
	}
	out := answer{}
	for _, job := range in.Notes {
		out.Notes = append(out.Notes, open(job))
	}
	for _, job := range in.Inclusion {
		err := tlog.CheckRecord(hashesOf(job.Proof), job.Size, hashOf(job.Root), job.Index, hashOf(job.Leaf))
		out.Inclusion = append(out.Inclusion, verdict(err))
	}
	for _, job := range in.Consistency {
		err := tlog.CheckTree(hashesOf(job.Proof), job.Size, hashOf(job.Root), job.OldSize, hashOf(job.OldRoot))
		out.Consistency = append(out.Consistency, verdict(err))
	}
	if err := makeProofs(in.Records, &out); err != nil {
		return err
	}
	for _, job := range in.Sign {
		made, err := sign(job)
		if err != nil {
			return err
		}
		out.MadeNotes = append(out.MadeNotes, made)
	}
	return json.NewEncoder(os.Stdout).Encode(out)
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
