// Glue only: signatures by golang.org/x/mod/sumdb/note, Merkle by golang.org/x/mod/sumdb/tlog (Debian golang-golang-x-mod-dev).
// build: GO111MODULE=off GOPATH=/usr/share/gocode go build tlogcheck.go; run: tlogcheck DATA
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

func main() {
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
