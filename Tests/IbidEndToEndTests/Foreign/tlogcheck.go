// Glue only: signatures by golang.org/x/mod/sumdb/note, Merkle by golang.org/x/mod/sumdb/tlog (Debian golang-golang-x-mod-dev).
// build: GO111MODULE=off GOPATH=/usr/share/gocode go build tlogcheck.go; run: tlogcheck DATA, or tlogcheck -tiles DIR VKEY
package main

import (
	"encoding/base64"
	"fmt"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

func die(a ...interface{}) { fmt.Println(append([]interface{}{"FAIL"}, a...)...); os.Exit(1) }
func read(p string) []byte {
	b, err := os.ReadFile(p)
	if err != nil {
		die(err)
	}
	return b
}
func hash(s string) (h tlog.Hash) {
	b, err := base64.StdEncoding.DecodeString(s)
	if err != nil || len(b) != 32 {
		die("bad hash", s)
	}
	copy(h[:], b)
	return
}

// open verifies a c2sp checkpoint against the vkey and returns its size and root.
func open(msg []byte, vkey, origin string) (int64, tlog.Hash) {
	v, err := note.NewVerifier(vkey)
	if err != nil {
		die(err)
	}
	n, err := note.Open(msg, note.VerifierList(v))
	if err != nil {
		die("checkpoint:", err)
	}
	l := strings.Split(n.Text, "\n")
	if len(l) != 4 || l[0] != origin || v.Name() != origin {
		die("checkpoint: wrong origin or extension lines")
	}
	size, err := strconv.ParseInt(l[1], 10, 64)
	if err != nil {
		die(err)
	}
	return size, hash(l[2])
}

// tiles reads a directory in the c2sp.org/tlog-tiles layout; this package's own paths name the height as well.
type tiles string

func (tiles) Height() int                               { return 8 }
func (tiles) SaveTiles(tiles []tlog.Tile, data [][]byte) {}
func (d tiles) ReadTiles(list []tlog.Tile) (data [][]byte, err error) {
	for _, t := range list {
		b, err := os.ReadFile(string(d) + "/tile/" + strings.TrimPrefix(t.Path(), "tile/8/"))
		if err != nil {
			return nil, err
		}
		data = append(data, b)
	}
	return data, nil
}

// checkTiles authenticates every entry of the bundles through the tiles against the signed checkpoint.
func checkTiles(dir, vkey string) {
	size, root := open(read(dir+"/checkpoint"), vkey, vkey[:strings.Index(vkey, "+")])
	reader := tlog.TileHashReader(tlog.Tree{N: size, Hash: root}, tiles(dir))
	for i := int64(0); i < size; {
		width := size - i
		if width > 256 {
			width = 256
		}
		path := tlog.Tile{H: 8, L: 0, N: i / 256, W: int(width)}.Path()
		bundle := read(dir + "/tile/entries/" + strings.TrimPrefix(path, "tile/8/0/"))
		for end := i + width; i < end; i++ {
			if len(bundle) < 2 || len(bundle) < 2+int(bundle[0])<<8+int(bundle[1]) {
				die("bundle is too short at entry", i)
			}
			n := 2 + int(bundle[0])<<8 + int(bundle[1])
			h, err := reader.ReadHashes([]int64{tlog.StoredHashIndex(0, i)})
			if err != nil || h[0] != tlog.RecordHash(bundle[2:n]) {
				die("entry", i, err)
			}
			bundle = bundle[n:]
		}
		if len(bundle) > 0 {
			die("bundle is too long before entry", i)
		}
	}
	fmt.Println("OK", size, "entries")
}

func main() {
	if len(os.Args) == 4 && os.Args[1] == "-tiles" {
		checkTiles(os.Args[2], os.Args[3])
		return
	}
	d := os.Args[1] + "/"
	vkey := strings.TrimSpace(string(read(d + "keys/ledger.vkey")))
	origin := vkey[:strings.Index(vkey, "+")]
	// 1. inclusion: c2sp.org/tlog-proof@v1
	head, cp, ok := strings.Cut(string(read(d+"ledger/run.tlog-proof")), "\n\n")
	l := strings.Split(head, "\n")
	if !ok || l[0] != "c2sp.org/tlog-proof@v1" || !strings.HasPrefix(l[1], "index ") {
		die("tlog-proof syntax")
	}
	idx, _ := strconv.ParseInt(l[1][6:], 10, 64)
	var p tlog.RecordProof
	for _, s := range l[2:] {
		p = append(p, hash(s))
	}
	size, root := open([]byte(cp), vkey, origin)
	if err := tlog.CheckRecord(p, size, root, idx, tlog.RecordHash(read(d+"ledger/leaf.json"))); err != nil {
		die("inclusion:", err)
	}
	// 2. consistency (tlog-witness add-checkpoint body: old size, proof, new checkpoint) against the older published checkpoint
	head, cp2, _ := strings.Cut(string(read(d+"ledger/consistency")), "\n\n")
	l = strings.Split(head, "\n")
	var tp tlog.TreeProof
	for _, s := range l[1:] {
		tp = append(tp, hash(s))
	}
	old, oldRoot := open(read(d+"ledger/checkpoint."+strings.TrimPrefix(l[0], "old ")), vkey, origin)
	size2, root2 := open([]byte(cp2), vkey, origin)
	if l[0] != fmt.Sprintf("old %d", old) {
		die("consistency: old size")
	}
	if err := tlog.CheckTree(tp, size2, root2, old, oldRoot); err != nil {
		die("consistency:", err)
	}
	fmt.Printf("OK origin=%s size=%d index=%d inclusion+consistency(%d->%d)\n", origin, size, idx, old, size2)
}
