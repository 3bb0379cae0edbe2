import io.confluent.parallelconsumer.ParallelConsumerOptions;
import io.confluent.parallelconsumer.ParallelConsumerOptions.ProcessingOrder;
import io.confluent.parallelconsumer.ParallelStreamProcessor;
import java.util.List;
import java.util.Properties;
import org.apache.kafka.clients.consumer.KafkaConsumer;
import org.apache.kafka.common.serialization.StringDeserializer;

public final class SaveOrders {
  public static void main(String[] args) {
    Properties client = new Properties();
    client.put("bootstrap.servers", System.getenv("BROKERS"));
    client.put("group.id", "billing");
    client.put("enable.auto.commit", "false");
    client.put("auto.offset.reset", "earliest");
    var options =
        ParallelConsumerOptions.<String, String>builder()
            .consumer(new KafkaConsumer<>(client, new StringDeserializer(), new StringDeserializer()))
            .ordering(ProcessingOrder.KEY)
            .maxConcurrency(100)
            .build();
    var processor = ParallelStreamProcessor.createEosStreamProcessor(options);
    Runtime.getRuntime().addShutdownHook(new Thread(processor::close));
    processor.subscribe(List.of("orders"));
    processor.poll(context -> Store.save(context.value()));
  }
}
