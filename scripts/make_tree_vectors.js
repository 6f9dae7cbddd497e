// Writes tests/core/vectors/tree.json: trees of OpenZeppelin's own StandardMerkleTree over leaves with hidden spending.
// In a folder of its own: npm install @openzeppelin/merkle-tree@1.0.8 && NODE_PATH=node_modules node make_tree_vectors.js
const { StandardMerkleTree } = require('@openzeppelin/merkle-tree');
const { keccak256 } = require('ethereum-cryptography/keccak');
const hex = (bytes) => '0x' + Buffer.from(bytes).toString('hex');
const word = (value) => BigInt(value).toString(16).padStart(64, '0');
const digest = (text) => hex(keccak256(Buffer.from(text, 'utf8')));
const spendingOf = (spent, salt) => hex(keccak256(Buffer.from(word(spent) + salt.slice(2), 'hex')));
const trees = [1, 2, 3, 4, 5, 7, 8, 33].map((count) => {
  const rows = Array.from({ length: count }, (_, i) => {
    const account = '0x' + digest(`account ${count} ${i}`).slice(-40);
    const salt = digest(`salt ${count} ${i}`);
    const granted = i === 2 ? 0n : BigInt(i + 1) * 1000000000n + BigInt(i);
    const spent = i % 3 === 0 ? granted : granted / 7n;
    return { account, granted: granted.toString(), spent: spent.toString(), salt, spending: spendingOf(spent, salt) };
  });
  const epoch = 20000 + count;
  const tree = StandardMerkleTree.of(
    rows.map((row) => [row.account, epoch, row.granted, row.spending]),
    ['address', 'uint256', 'uint256', 'bytes32'],
  );
  tree.validate();
  return {
    epoch, root: tree.root, nodes: tree.dump().tree,
    rows: rows.map((row, i) => ({ ...row, leaf: tree.leafHash([row.account, epoch, row.granted, row.spending]), proof: tree.getProof(i) })),
  };
});
console.log(JSON.stringify({ made_by: "scripts/make_tree_vectors.js with @openzeppelin/merkle-tree 1.0.8", trees }, null, 1));
