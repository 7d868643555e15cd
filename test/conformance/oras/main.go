// oras-go against `longshore serve`: push, copy, extended copy with referrers, reading in part, deletion. Ends with 1 at the first answer that is not as it must be.
//
//	go run . HOST:PORT USER PASSWORD
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"

	ocispec "github.com/opencontainers/image-spec/specs-go/v1"
	oras "oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/memory"
	"oras.land/oras-go/v2/errdef"
	"oras.land/oras-go/v2/registry/remote"
	"oras.land/oras-go/v2/registry/remote/auth"
)

const (
	artifact  = "application/vnd.example.longshore.artifact"
	signature = "application/vnd.example.longshore.signature"
	note      = "application/vnd.example.longshore.note"
)

var host, user, password = os.Args[1], os.Args[2], os.Args[3]

// must ends the program with what was being done when it failed.
func must[T any](what string) func(T, error) T {
	return func(value T, err error) T {
		check(err == nil, "%s: %v", what, err)
		return value
	}
}

func check(holds bool, format string, details ...any) {
	if !holds {
		fmt.Fprintf(os.Stderr, format+"\n", details...)
		os.Exit(1)
	}
}

// repository holds the registry to the referrers API: oras-go would otherwise fall back to the tag scheme without a word.
func repository(name string) *remote.Repository {
	repo := must[*remote.Repository]("naming " + name)(remote.NewRepository(host + "/" + name))
	repo.PlainHTTP = true
	repo.Client = &auth.Client{Credential: auth.StaticCredential(host, auth.Credential{Username: user, Password: password})}
	check(repo.SetReferrersCapability(true) == nil, "the referrers API")
	return repo
}

func pack(ctx context.Context, to content.Pusher, kind string, subject *ocispec.Descriptor, layers ...ocispec.Descriptor) ocispec.Descriptor {
	options := oras.PackManifestOptions{Subject: subject, Layers: layers, ManifestAnnotations: map[string]string{"org.example.kind": kind}}
	return must[ocispec.Descriptor]("packing " + kind)(oras.PackManifest(ctx, to, oras.PackManifestVersion1_1, kind, options))
}

// referrers lists digests, those of one artifact type where `kind` names one.
func referrers(ctx context.Context, repo *remote.Repository, of ocispec.Descriptor, kind string) []string {
	found := []string{}
	err := repo.Referrers(ctx, of, kind, func(page []ocispec.Descriptor) error {
		for _, each := range page {
			check(kind == "" || each.ArtifactType == kind, "the filter %s let %s through", kind, each.ArtifactType)
			check(each.Annotations["org.example.kind"] == each.ArtifactType, "annotations of %s: %v", each.Digest, each.Annotations)
			found = append(found, each.Digest.String())
		}
		return nil
	})
	check(err == nil, "referrers of %s: %v", of.Digest, err)
	slices.Sort(found)
	return found
}

func main() {
	ctx := context.Background()
	local, first := memory.New(), repository("oras-go/first")
	body := bytes.Repeat([]byte("longshore "), 300_000)
	layer := must[ocispec.Descriptor]("layer")(oras.PushBytes(ctx, local, "application/octet-stream", body))
	empty := must[ocispec.Descriptor]("layer without bytes")(oras.PushBytes(ctx, local, "text/plain", nil))
	root := pack(ctx, local, artifact, nil, layer, empty)
	check(local.Tag(ctx, root, "1") == nil, "tagging")
	pushed := must[ocispec.Descriptor]("push")(oras.Copy(ctx, local, "1", first, "1", oras.DefaultCopyOptions))
	check(pushed.Digest == root.Digest, "push: %s became %s", root.Digest, pushed.Digest)

	signed := pack(ctx, first, signature, &root)
	noted := pack(ctx, first, note, &root)
	countersigned := pack(ctx, first, signature, &signed)
	for _, name := range []string{"oras-go/first", "oras-go/extended"} {
		repo := repository(name)
		if name != "oras-go/first" {
			must[ocispec.Descriptor]("extended copy")(oras.ExtendedCopy(ctx, first, "1", repo, "1", oras.DefaultExtendedCopyOptions))
		}
		both := []string{signed.Digest.String(), noted.Digest.String()}
		slices.Sort(both)
		check(slices.Equal(referrers(ctx, repo, root, ""), both), "%s: all referrers", name)
		check(slices.Equal(referrers(ctx, repo, root, signature), []string{signed.Digest.String()}), "%s: signatures", name)
		check(slices.Equal(referrers(ctx, repo, signed, ""), []string{countersigned.Digest.String()}), "%s: the signature's signature", name)
	}

	copied := repository("oras-go/copied")
	must[ocispec.Descriptor]("copy")(oras.Copy(ctx, first, "1", copied, "again", oras.DefaultCopyOptions))
	check(len(referrers(ctx, copied, root, "")) == 0, "a plain copy brought referrers along")
	back := must[ocispec.Descriptor]("pull")(oras.Copy(ctx, copied, "again", memory.New(), "1", oras.DefaultCopyOptions))
	check(back.Digest == root.Digest, "pull: %s became %s", root.Digest, back.Digest)
	readInPart(ctx, copied, layer, body)

	check(copied.Delete(ctx, root) == nil, "deleting")
	_, err := copied.Resolve(ctx, "again")
	check(errors.Is(err, errdef.ErrNotFound), "the tag of a deleted manifest: %v", err)
	must[ocispec.Descriptor]("its original")(first.Resolve(ctx, "1"))
	fmt.Println("oras-go agrees")
}

// readInPart seeks, which oras-go does with a Range request and only where the registry says that it takes them.
func readInPart(ctx context.Context, repo *remote.Repository, layer ocispec.Descriptor, body []byte) {
	stream := must[io.ReadCloser]("reading a layer")(repo.Blobs().Fetch(ctx, layer))
	defer stream.Close()
	seeker, ranges := stream.(io.ReadSeeker)
	check(ranges, "the registry does not say that it takes ranges")
	must[int64]("seeking")(seeker.Seek(-1000, io.SeekEnd))
	check(bytes.Equal(must[[]byte]("the end of a layer")(io.ReadAll(seeker)), body[len(body)-1000:]), "the end of a layer differs")
}
