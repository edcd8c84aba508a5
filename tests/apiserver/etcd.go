// etcd inside this process, on Unix sockets in the working directory, without fsync: fast to start, and nothing worth
// keeping. And the command compact, which makes a running one forget its history.

package main

import (
	"context"
	"flag"
	"fmt"
	"net/url"
	"os"
	"time"

	clientv3 "go.etcd.io/etcd/client/v3"
	"go.etcd.io/etcd/server/v3/embed"
)

// Relative to DIR, which is the working directory: the path of a Unix socket
// has at most 107 bytes.
const (
	etcdClient = "unix://etcd-client.sock"
	etcdPeer   = "unix://etcd-peer.sock"
)

func startEtcd() (*embed.Etcd, error) {
	clientURL, err := url.Parse(etcdClient)
	if err != nil {
		return nil, err
	}
	peerURL, err := url.Parse(etcdPeer)
	if err != nil {
		return nil, err
	}
	cfg := embed.NewConfig()
	cfg.Dir = "etcd"
	cfg.LogLevel = "fatal" // it reports an orderly stop as errors
	cfg.UnsafeNoFsync = true
	cfg.TickMs, cfg.ElectionMs = 10, 50 // one member: elect at once
	cfg.ListenClientUrls, cfg.AdvertiseClientUrls = []url.URL{*clientURL}, []url.URL{*clientURL}
	cfg.ListenPeerUrls, cfg.AdvertisePeerUrls = []url.URL{*peerURL}, []url.URL{*peerURL}
	cfg.InitialCluster = cfg.InitialClusterFromName(cfg.Name)
	etcd, err := embed.StartEtcd(cfg)
	if err != nil {
		return nil, fmt.Errorf("start etcd: %w", err)
	}
	select {
	case <-etcd.Server.ReadyNotify():
		return etcd, nil
	case err := <-etcd.Err():
		return nil, fmt.Errorf("start etcd: %w", err)
	case <-time.After(30 * time.Second):
		etcd.Close()
		return nil, fmt.Errorf("start etcd: not ready after 30 s")
	}
}

// compact drops all history before the current revision of a running server.
func compact(ctx context.Context, args []string) error {
	flags := flag.NewFlagSet("compact", flag.ExitOnError)
	dir := flags.String("dir", "", "directory of the running server")
	flags.Parse(args)
	if err := os.Chdir(*dir); err != nil {
		return err
	}
	client, err := clientv3.New(clientv3.Config{Endpoints: []string{etcdClient}, DialTimeout: 5 * time.Second})
	if err != nil {
		return err
	}
	defer client.Close()
	now, err := client.Get(ctx, "compact_rev_key")
	if err != nil {
		return err
	}
	if _, err := client.Compact(ctx, now.Header.Revision, clientv3.WithCompactPhysical()); err != nil {
		return err
	}
	fmt.Println(now.Header.Revision)
	return nil
}
