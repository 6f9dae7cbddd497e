import "./home.css";
import { useConnection } from "wagmi";
import { Overview } from "./home/overview";
import { Welcome } from "./home/welcome";

/** The first page: what this is for whoever comes, and for who has connected all that is his at a glance. */
export default function Home() {
  const { address } = useConnection();
  return address === undefined ? <Welcome /> : <Overview address={address} />;
}
