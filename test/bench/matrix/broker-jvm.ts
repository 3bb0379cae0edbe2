/** Those that Kafka's own start script gives a broker. Behind the harness's, which suit small tests. */
export const BROKER_JVM = [
  '-XX:TieredStopAtLevel=4',
  '-Xms1g',
  '-Xmx1g',
  '-XX:-UseSerialGC',
  '-XX:+UseG1GC',
  '-XX:MaxGCPauseMillis=20',
]
