package peer

// All returns every contestant that keeps sessions: the variants of this
// library, and the peers. Those of Redis need a redis-server.
func All() []Peer {
	return append([]Peer{
		GimletNoIdle, GimletNoCache, GimletCookieOnly,
		SCSMemory, SCSMemoryIdle, SCSBolt, SCSBoltIdle, SCSRedisAlways, SCSRedis,
		GorillaCookie, GorillaFiles, GinCookie, FiberBolt, Live,
	}, Gimlets...)
}
